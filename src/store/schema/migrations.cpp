#include "store/schema/migrations.h"

#include <filesystem>
#include <system_error>

#include "base/log.h"

namespace hearth::store {
namespace {

constexpr Migration kMigrations[] = {{1, R"sql(
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,          -- whose it is: a token of access, or a person on a channel
  name TEXT,                    -- as the owner calls it; one of a name for each owner
  parent TEXT,                  -- the session that it was forked from
  created_ms INTEGER NOT NULL,  -- since 1970, UTC
  used_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_by_name ON sessions (owner, name) WHERE name IS NOT NULL;
CREATE INDEX sessions_by_use ON sessions (owner, used_ms);

CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,      -- in its session: 0, 1, 2, ...
  turn INTEGER NOT NULL,        -- that it belongs to: 0, 1, 2, ...
  role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
  content TEXT NOT NULL,
  details TEXT,                 -- JSON: reasoning, calls, the call that a result is of, the model
  tokens BLOB,                  -- as the model saw them, 4 bytes each, little-endian
  created_ms INTEGER NOT NULL,
  archived INTEGER NOT NULL DEFAULT 0,  -- 1: no longer shown to the model
  UNIQUE (session_id, number)
);
CREATE VIRTUAL TABLE messages_text USING fts5 (content, content = 'messages', content_rowid = 'id');
CREATE TRIGGER messages_added AFTER INSERT ON messages BEGIN
  INSERT INTO messages_text (rowid, content) VALUES (new.id, new.content);
END;
CREATE TRIGGER messages_removed AFTER DELETE ON messages BEGIN
  INSERT INTO messages_text (messages_text, rowid, content) VALUES ('delete', old.id, old.content);
END;
CREATE TRIGGER messages_changed AFTER UPDATE OF content ON messages BEGIN
  INSERT INTO messages_text (messages_text, rowid, content) VALUES ('delete', old.id, old.content);
  INSERT INTO messages_text (rowid, content) VALUES (new.id, new.content);
END;

CREATE VIEW conversations AS
  SELECT answer.id AS id, answer.session_id AS session_id, question.content AS user_msg,
         answer.content AS assistant_msg, json_extract(answer.details, '$.model') AS model,
         datetime(answer.created_ms / 1000, 'unixepoch') AS created_at
  FROM messages AS answer JOIN messages AS question
    ON question.session_id = answer.session_id AND question.number = (
      SELECT max(number) FROM messages
      WHERE session_id = answer.session_id AND number < answer.number AND role = 'user')
  WHERE answer.role = 'assistant' AND answer.content <> '';
)sql"}};

Result<void> write_copy(Database& database, const std::string& copy) {
  TRY(Query query, database.query("VACUUM INTO ?"));
  return query.bind(copy).run();
}

Result<void> keep_copy(Database& database, const std::string& path, std::int64_t version) {
  const std::string copy = path + ".schema-" + std::to_string(version) + ".bak";
  std::error_code ignored;
  std::filesystem::remove(copy, ignored);
  const auto copied = write_copy(database, copy);
  if (!copied.ok())
    return Error{Code::Unavailable,
                 "cannot keep a copy of the store as " + copy + ": " + copied.error().message};
  std::filesystem::permissions(
      copy, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
  log::info("the store had schema {}; a copy of it is {}", version, copy);
  return ok();
}

Result<void> take(Database& database, const Migration& step) {
  TRY_VOID(database.run(step.sql));
  return database.run("PRAGMA user_version = " + std::to_string(step.version) + ";");
}

Result<void> take_all(Database& database, std::int64_t from, std::span<const Migration> steps) {
  TRY_VOID(database.run("BEGIN IMMEDIATE;"));
  for (const Migration& step : steps) {
    if (step.version > from) TRY_VOID(take(database, step));
  }
  return database.run("COMMIT;");
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<std::int64_t> schema_version(Database& database) {
  TRY(const auto version, database.number("PRAGMA user_version"));
  return version.value_or(0);
}

Result<void> migrate(Database& database, const std::string& path,
                     std::span<const Migration> steps) {
  TRY(const std::int64_t version, schema_version(database));
  const std::int64_t newest = steps.empty() ? 0 : steps.back().version;
  if (version > newest)
    return Error{Code::InvalidInput, "a newer Hearth wrote " + path + " (its schema is " +
                                         std::to_string(version) + ", this one knows up to " +
                                         std::to_string(newest) + "); it was left as it is"};
  if (version == newest) return ok();
  if (version > 0) TRY_VOID(keep_copy(database, path, version));
  const auto taken = take_all(database, version, steps);
  if (!taken.ok()) database.roll_back();
  return taken;
}

}  // namespace hearth::store
