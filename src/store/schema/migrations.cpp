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
)sql"},
                                     {2, R"sql(
CREATE INDEX messages_by_turn ON messages (session_id, turn);

CREATE TABLE inbox (            -- every accepted message, before it is acted on
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  owner TEXT NOT NULL,
  key TEXT,                     -- that the sender gave, so that a repetition is known
  digest TEXT NOT NULL,         -- of the request that came with the key
  message TEXT NOT NULL,        -- JSON
  options TEXT NOT NULL,        -- JSON of the request's own
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'dropped')),
  reason TEXT NOT NULL DEFAULT '',
  turn INTEGER,                 -- that it became
  attempts INTEGER NOT NULL DEFAULT 0,  -- how often it was begun
  created_ms INTEGER NOT NULL,
  begun_ms INTEGER,
  ended_ms INTEGER
);
CREATE UNIQUE INDEX inbox_by_key ON inbox (owner, key) WHERE key IS NOT NULL;
CREATE INDEX inbox_by_turn ON inbox (session_id, turn);
CREATE INDEX inbox_open ON inbox (session_id, state, id) WHERE ended_ms IS NULL;
CREATE INDEX inbox_ended ON inbox (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE outbox (           -- replies that must leave exactly once
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  destination TEXT NOT NULL,
  payload TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,     -- what is the same reply has the same key
  state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'acknowledged', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_ms INTEGER NOT NULL,
  last_error TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER
);
CREATE INDEX outbox_open ON outbox (destination, id) WHERE ended_ms IS NULL;
CREATE INDEX outbox_ended ON outbox (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX outbox_by_session ON outbox (session_id);

CREATE TABLE effects (          -- what tools did, written before they do it
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  turn INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  tool TEXT NOT NULL,
  arguments TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('reads', 'writes', 'runs', 'sends')),
  state TEXT NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'uncertain')),
  result TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  UNIQUE (session_id, turn, call_id)
);
CREATE INDEX effects_open ON effects (id) WHERE state = 'intended';
CREATE INDEX effects_ended ON effects (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE approvals (        -- what somebody was asked to allow
  id TEXT PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  owner TEXT NOT NULL,
  turn INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  tool TEXT NOT NULL,
  target TEXT NOT NULL,
  arguments TEXT NOT NULL,
  preview TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'allowed', 'denied', 'expired')),
  scope TEXT NOT NULL DEFAULT 'once' CHECK (scope IN ('once', 'session', 'always')),
  decided_by TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  decided_ms INTEGER,
  UNIQUE (session_id, turn, call_id)
);
CREATE INDEX approvals_waiting ON approvals (owner, created_ms) WHERE state = 'waiting';
CREATE INDEX approvals_decided ON approvals (decided_ms) WHERE decided_ms IS NOT NULL;

CREATE TABLE rules (            -- that an owner taught by allowing or denying
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  tool TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('exact', 'wildcard', 'regex')),
  pattern TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('allow', 'deny')),
  session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,  -- null: always
  expires_ms INTEGER,
  created_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX rules_apart
  ON rules (owner, tool, kind, pattern, decision, coalesce(session_id, ''));
CREATE INDEX rules_by_session ON rules (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX rules_expiring ON rules (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE TABLE decisions (        -- what was decided, and by which rule; outlives its session
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  session_id TEXT NOT NULL,
  turn INTEGER NOT NULL,
  tool TEXT NOT NULL,
  target TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('allow', 'ask', 'deny')),
  rule TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE INDEX decisions_by_owner ON decisions (owner, id);
CREATE INDEX decisions_by_time ON decisions (created_ms);
CREATE TRIGGER decisions_changed BEFORE UPDATE ON decisions BEGIN
  SELECT raise(ABORT, 'a decision is never changed');
END;

CREATE TABLE memories (         -- what an owner wants to be known later
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL,           -- a word of the caller's own
  text TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  UNIQUE (owner, text)
);
CREATE INDEX memories_by_use ON memories (owner, used_ms);
CREATE VIRTUAL TABLE memories_text USING fts5 (text, content = 'memories', content_rowid = 'id');
CREATE TRIGGER memories_added AFTER INSERT ON memories BEGIN
  INSERT INTO memories_text (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER memories_removed AFTER DELETE ON memories BEGIN
  INSERT INTO memories_text (memories_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER memories_changed AFTER UPDATE OF text ON memories BEGIN
  INSERT INTO memories_text (memories_text, rowid, text) VALUES ('delete', old.id, old.text);
  INSERT INTO memories_text (rowid, text) VALUES (new.id, new.text);
END;

CREATE TABLE journal (          -- one row for each call of the model, to compute it again
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  turn INTEGER NOT NULL,
  round INTEGER NOT NULL,       -- of the turn: 0, 1, 2, ...
  inputs_digest TEXT NOT NULL,
  details TEXT NOT NULL,        -- JSON: sampling, seed, fingerprints, build
  answer_digest TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (session_id, turn, round)
);
CREATE INDEX journal_by_time ON journal (created_ms);
)sql"},
                                     {3, R"sql(
CREATE TABLE summaries (        -- what stands for the messages that went to the archive
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,      -- of the first message that it does not stand for
  text TEXT NOT NULL,
  model TEXT NOT NULL,          -- that wrote it; empty: nobody, it only says where they are
  before_tokens INTEGER NOT NULL,  -- of the history
  after_tokens INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,  -- 1: the owner knows of it
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (session_id, number)
) WITHOUT ROWID;
)sql"},
                                     {4, R"sql(
-- Decisions as a chain: each row carries the SHA-256 of itself and of the hash before it (see
-- chain/decision_chain.h). Rows that were there before have none.
ALTER TABLE decisions ADD COLUMN hash TEXT NOT NULL DEFAULT '';

CREATE TABLE decisions_chain (  -- one row: what the first decision that is left follows
  one INTEGER PRIMARY KEY CHECK (one = 1),
  after_id INTEGER NOT NULL,    -- the last one that is gone, or that was there before the chain
  hash TEXT NOT NULL            -- that it had
);
INSERT INTO decisions_chain SELECT 1, coalesce(max(id), 0), '' FROM decisions;
)sql"},
                                     {5, R"sql(
CREATE TABLE journal_texts (    -- what many rows of the journal have in common, once
  digest TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  used_ms INTEGER NOT NULL      -- by the latest row that names it
);
CREATE INDEX journal_texts_by_use ON journal_texts (used_ms);
)sql"},
                                     {6, R"sql(
CREATE TABLE ledger (           -- calls of models, and what they cost
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released', 'lost')),
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,             -- absent: it runs
  owner TEXT NOT NULL,
  session_id TEXT NOT NULL,     -- empty: none; stays when the session goes
  purpose TEXT NOT NULL CHECK (purpose IN ('chat', 'tool', 'compaction', 'heartbeat')),
  provider TEXT NOT NULL,       -- "local": a model of this machine
  model TEXT NOT NULL,
  cost_micro INTEGER NOT NULL,  -- millionths of a dollar; of a reserved one: the most it may be
  input_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  computed_ms INTEGER NOT NULL  -- of this machine's time
);
CREATE INDEX ledger_by_time ON ledger (created_ms);
CREATE INDEX ledger_open ON ledger (id) WHERE state = 'reserved';
CREATE INDEX ledger_of_session ON ledger (session_id) WHERE cost_micro > 0;

CREATE TABLE switches (         -- what was switched on, and stays so over a restart
  name TEXT PRIMARY KEY,
  since_ms INTEGER NOT NULL,
  why TEXT NOT NULL
);
)sql"},
                                     {7, R"sql(
CREATE TABLE responses (        -- answers that programs may come back to, and follow
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,  -- null: it has not ended well
  messages INTEGER NOT NULL,    -- of that session, up to the answer
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
  body TEXT NOT NULL,           -- JSON, as its client sees it
  input TEXT NOT NULL,          -- JSON: what was asked
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER              -- absent: it runs
);
CREATE INDEX responses_of_session ON responses (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX responses_ended ON responses (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX responses_open ON responses (id) WHERE ended_ms IS NULL;
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

std::int64_t newest_of(std::span<const Migration> steps) {
  return steps.empty() ? 0 : steps.back().version;
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<std::int64_t> schema_version(Database& database) {
  TRY(const auto version, database.number("PRAGMA user_version"));
  return version.value_or(0);
}

Result<void> check_schema(std::int64_t version, const std::string& path,
                          std::span<const Migration> steps) {
  const std::int64_t newest = newest_of(steps);
  if (version <= newest) return ok();
  return Error{Code::InvalidInput, "a newer Hearth wrote " + path + " (its schema is " +
                                       std::to_string(version) + ", this one knows up to " +
                                       std::to_string(newest) + "); it was left as it is"};
}

Result<void> migrate(Database& database, const std::string& path,
                     std::span<const Migration> steps) {
  TRY(const std::int64_t version, schema_version(database));
  TRY_VOID(check_schema(version, path, steps));
  if (version == newest_of(steps)) return ok();
  if (version > 0) TRY_VOID(keep_copy(database, path, version));
  const auto taken = take_all(database, version, steps);
  if (!taken.ok()) database.roll_back();
  return taken;
}

}  // namespace hearth::store
