#include "store/sessions.h"

#include <algorithm>

#include "base/fields.h"
#include "base/random.h"
#include "base/utf8.h"
#include "store/rows/rows.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

constexpr const char* kInsert =
    "INSERT INTO sessions (id, owner, name, parent, created_ms, used_ms) "
    "VALUES (?, ?, ?, ?, ?, ?)";
// A macro, because a statement's text is a literal. The highest number, not a count: it is found
// at once, however long a session is.
#define SESSION_COLUMNS                                                                        \
  "SELECT id, owner, name, parent, created_ms, used_ms, (SELECT coalesce(max(number) + 1, 0) " \
  "FROM messages WHERE session_id = sessions.id) FROM sessions "
constexpr const char* kById = SESSION_COLUMNS "WHERE owner = ? AND id = ?";
constexpr const char* kByName = SESSION_COLUMNS "WHERE owner = ? AND name = ?";
constexpr const char* kByKey = SESSION_COLUMNS "WHERE id = ?1 OR name = ?1 LIMIT 2";
constexpr const char* kList =
    SESSION_COLUMNS "WHERE owner = ? ORDER BY used_ms DESC, id LIMIT ? OFFSET ?";
#undef SESSION_COLUMNS
constexpr const char* kCopyMessages =
    "INSERT INTO messages (session_id, number, turn, role, content, details, tokens, created_ms, "
    "archived) SELECT ?, number, turn, role, content, details, tokens, created_ms, archived "
    "FROM messages WHERE session_id = ? ORDER BY number";
constexpr const char* kCopyFirst =
    "INSERT INTO messages (session_id, number, turn, role, content, details, tokens, created_ms, "
    "archived) SELECT ?, number, turn, role, content, details, tokens, created_ms, archived "
    "FROM messages WHERE session_id = ? AND number < ? ORDER BY number";
constexpr const char* kCopySummaries =
    "INSERT INTO summaries (session_id, number, text, model, before_tokens, after_tokens, told, "
    "created_ms) SELECT ?, number, text, model, before_tokens, after_tokens, told, created_ms "
    "FROM summaries WHERE session_id = ?";

Session read_session(const Query& row) {
  return {.id = row.text(0),
          .owner = row.text(1),
          .name = optional_text(row, 2),
          .parent = optional_text(row, 3),
          .created_ms = row.integer(4),
          .used_ms = row.integer(5),
          .messages = static_cast<std::uint32_t>(row.integer(6))};
}

Result<void> check_name(const std::optional<std::string>& name) {
  if (!name) return ok();
  if (name->empty()) return field_error("name", "must not be empty");
  if (name->size() > Sessions::kNameBytesMax)
    return field_error("name",
                       "at most " + std::to_string(Sessions::kNameBytesMax) + " bytes are allowed");
  return is_utf8(*name) ? ok() : Result<void>(field_error("name", "is not valid UTF-8"));
}

Result<void> insert(Database& database, const Session& session) {
  if (session.name) {
    TRY(Query named, database.query(kByName));
    TRY(const bool taken, named.bind(session.owner).bind(*session.name).next());
    if (taken) return field_error("name", "another session is called \"" + *session.name + "\"");
  }
  TRY(Query query, database.query(kInsert));
  query.bind(session.id).bind(session.owner).bind_or_null(session.name);
  query.bind_or_null(session.parent).bind(session.created_ms).bind(session.used_ms);
  return query.run();
}

}  // namespace

Error no_session(const std::string& key) { return nothing_called("session", key); }

Result<void> require_session(Database& database, const std::string& id,
                             const std::optional<std::string>& owner) {
  TRY(Query query, database.query("SELECT owner FROM sessions WHERE id = ?"));
  TRY(const bool found, query.bind(id).next());
  const bool theirs = found && (!owner || query.text(0) == *owner);
  return theirs ? ok() : Result<void>(no_session(id));
}

Session Sessions::begin(const std::string& owner, const std::optional<std::string>& name) const {
  const std::int64_t now = unix_time<Millis>(time_);
  return {.id = random_id(Sessions::kIdPrefix),
          .owner = owner,
          .name = name,
          .created_ms = now,
          .used_ms = now};
}

Result<void> Sessions::create_within(Database& database, const Session& session) {
  TRY_VOID(insert(database, session));
  if (!session.parent) return ok();
  TRY(Query rows, database.query(kCopyFirst));
  return rows.bind(session.id).bind(*session.parent).bind(std::int64_t{session.messages}).run();
}

Result<Session> Sessions::create(const Call& call, const std::string& owner,
                                 const std::optional<std::string>& name) {
  return create(call, Writer::Durability::Full, owner, name);
}

Result<Session> Sessions::create_for_message(const Call& call, const std::string& owner,
                                             const std::optional<std::string>& name) {
  return create(call, Writer::Durability::Normal, owner, name);
}

Result<Session> Sessions::create(const Call& call, Writer::Durability durability,
                                 const std::string& owner, const std::optional<std::string>& name) {
  TRY_VOID(check_name(name));
  const Session made = begin(owner, name);
  TRY_VOID(store_.writer().write(call, durability,
                                 [&made](Database& database) { return insert(database, made); }));
  return made;
}

Result<Session> Sessions::fork(const Call& call, const std::string& owner, const std::string& id,
                               const std::optional<std::string>& name) {
  TRY_VOID(check_name(name));
  Session made = begin(owner, name);
  made.parent = id;
  const auto copy = [&](Database& database) -> Result<void> {
    TRY(Query known, database.query(kById));
    TRY(const bool found, known.bind(owner).bind(id).next());
    if (!found) return no_session(id);
    made.messages = read_session(known).messages;
    TRY_VOID(insert(database, made));
    for (const char* copied : {kCopyMessages, kCopySummaries}) {
      TRY(Query rows, database.query(copied));
      TRY_VOID(rows.bind(made.id).bind(id).run());
    }
    return ok();
  };
  TRY_VOID(store_.writer().write(call, Writer::Durability::Full, copy));
  return made;
}

Result<Session> Sessions::find_one(const Call& call, const char* sql, const std::string& owner,
                                   const std::string& key) {
  std::optional<Session> found;
  TRY_VOID(store_.readers().read(call, [&](Database& database) -> Result<void> {
    TRY(Query query, database.query(sql));
    TRY(const bool row, query.bind(owner).bind(key).next());
    if (row) found = read_session(query);
    return ok();
  }));
  if (!found) return no_session(key);
  return *std::move(found);
}

Result<Session> Sessions::find(const Call& call, const std::string& owner, const std::string& id) {
  return find_one(call, kById, owner, id);
}

Result<Session> Sessions::find_named(const Call& call, const std::string& owner,
                                     const std::string& name) {
  return find_one(call, kByName, owner, name);
}

Result<Session> Sessions::find_any(const Call& call, const std::string& key) {
  return reading(store_, call, [&](Database& database) -> Result<Session> {
    TRY(Query query, database.query(kByKey));
    TRY(const bool found, query.bind(key).next());
    if (!found) return no_session(key);
    const Session session = read_session(query);
    TRY(const bool more, query.next());
    if (more)
      return field_error("session", "several owners have one called \"" + key + "\"; use its id");
    return session;
  });
}

Result<std::vector<Session>> Sessions::list(const Call& call, const std::string& owner,
                                            std::size_t count, std::size_t skip) {
  std::vector<Session> all;
  TRY_VOID(store_.readers().read(call, [&](Database& database) -> Result<void> {
    TRY(Query query, database.query(kList));
    query.bind(owner).bind(static_cast<std::int64_t>(std::min(count, kListMax)));
    query.bind(static_cast<std::int64_t>(skip));
    return query.each([&all](const Query& row) {
      all.push_back(read_session(row));
      return ok();
    });
  }));
  return all;
}

Result<void> Sessions::remove(const Call& call, const std::string& owner, const std::string& id) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query query, database.query("DELETE FROM sessions WHERE owner = ? AND id = ?"));
        TRY_VOID(query.bind(owner).bind(id).run());
        return database.changes() > 0 ? ok() : Result<void>(no_session(id));
      });
}

}  // namespace hearth::store
