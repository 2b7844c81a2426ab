#include "store/responses.h"

#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

using State = Response::State;

constexpr Names<4> kStates = {"running", "done", "failed", "cancelled"};

constexpr const char* kInsert =
    "INSERT INTO responses (id, owner, session_id, messages, state, body, input, created_ms, "
    "ended_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kEnd =
    "UPDATE responses SET session_id = ?2, messages = ?3, state = ?4, body = ?5, ended_ms = ?6 "
    "WHERE id = ?1 AND state = 'running'";
#define RESPONSE_COLUMNS                                                                   \
  "SELECT id, owner, session_id, messages, state, body, input, created_ms, ended_ms FROM " \
  "responses "
constexpr const char* kFind = RESPONSE_COLUMNS "WHERE owner = ? AND id = ?";
constexpr const char* kRunning = RESPONSE_COLUMNS "WHERE ended_ms IS NULL LIMIT ?";
#undef RESPONSE_COLUMNS
constexpr const char* kLength =
    "SELECT coalesce(max(number) + 1, 0) FROM messages WHERE session_id = ?";
// What no response is the end of any more, at the end of a session.
constexpr const char* kForgetLast =
    "DELETE FROM messages WHERE session_id = ?1 AND number >= "
    "(SELECT max(messages) FROM responses WHERE session_id = ?1)";
constexpr const char* kForgetAll =
    "DELETE FROM sessions WHERE id = ?1 AND NOT EXISTS "
    "(SELECT 1 FROM responses WHERE session_id = ?1)";

Result<Response> read_response(const Query& row) {
  Response out{.id = row.text(0),
               .owner = row.text(1),
               .session_id = row.text(2),
               .messages = small(row, 3),
               .body = row.text(5),
               .input = row.text(6),
               .created_ms = row.integer(7),
               .ended_ms = optional_integer(row, 8)};
  TRY(out.state, value_in<State>(kStates, row.text(4)));
  return out;
}

Result<void> check(const Response& response) {
  TRY_VOID(check_bytes("body", response.body, Responses::kBodyBytesMax));
  return check_bytes("input", response.input, Responses::kBodyBytesMax);
}

std::optional<std::string> null_if_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<void> insert(Database& database, const Response& response) {
  TRY(Query query, database.query(kInsert));
  query.bind(response.id).bind(response.owner).bind_or_null(null_if_empty(response.session_id));
  query.bind(std::int64_t{response.messages}).bind(name_in(kStates, response.state));
  query.bind(response.body).bind(response.input).bind(response.created_ms);
  return query.bind_or_null(response.ended_ms).run();
}

/// Errors: NotFound (it is not Running).
Result<void> end_running(Database& database, const Response& response) {
  TRY(Query query, database.query(kEnd));
  query.bind(response.id).bind_or_null(null_if_empty(response.session_id));
  query.bind(std::int64_t{response.messages}).bind(name_in(kStates, response.state));
  TRY_VOID(query.bind(response.body).bind_or_null(response.ended_ms).run());
  if (database.changes() > 0) return ok();
  return nothing_called("running response", response.id);
}

/// Whether it is Running; false: there is none yet. Errors: NotFound (it has ended).
Result<bool> has_begun(Database& database, const std::string& id) {
  TRY(Query query, database.query("SELECT state FROM responses WHERE id = ?"));
  TRY(const bool found, query.bind(id).next());
  if (found && query.text(0) != name_in(kStates, State::Running))
    return nothing_called("running response", id);
  return found;
}

/// The session that what is said goes to: the one that is followed, if this follows its end.
Result<std::string> session_for(Database& database, const ResponseEnd& end, std::int64_t now_ms) {
  const std::string owner = Responses::kOwnerPrefix + end.response.owner;
  Session made{.id = end.new_session_id, .owner = owner, .created_ms = now_ms, .used_ms = now_ms};
  if (!end.follows_session_id.empty()) {
    TRY_VOID(require_session(database, end.follows_session_id, owner));
    TRY(Query length, database.query(kLength));
    TRY_VOID(length.bind(end.follows_session_id).next());
    if (small(length, 0) == end.follows_messages) return end.follows_session_id;
    made.parent = end.follows_session_id;
    made.messages = end.follows_messages;
  }
  TRY_VOID(Sessions::create_within(database, made));
  return made.id;
}

/// Entries belong to the turn that their response is.
Result<void> finish_within(Database& database, ResponseEnd& end, std::int64_t now_ms) {
  Response& response = end.response;
  TRY(const bool is_begun, has_begun(database, response.id));
  TRY(response.session_id, session_for(database, end, now_ms));
  for (Entry& entry : end.entries) entry.turn = end.follows_messages;
  TRY(const std::uint32_t first,
      Transcript::append_within(database, response.session_id, end.entries, now_ms));
  response.messages = first + static_cast<std::uint32_t>(end.entries.size());
  response.state = State::Done;
  response.ended_ms = now_ms;
  return is_begun ? end_running(database, response) : insert(database, response);
}

}  // namespace

Result<void> Responses::begin(const Call& call, const Response& response) {
  TRY_VOID(check(response));
  Response begun = response;
  begun.created_ms = unix_time<Millis>(time_);
  return store_.writer().write(call, Writer::Durability::Full,
                               [&](Database& database) { return insert(database, begun); });
}

Result<std::string> Responses::finish(const Call& call, const ResponseEnd& end) {
  TRY_VOID(check(end.response));
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) -> Result<std::string> {
                   ResponseEnd made = end;
                   made.response.created_ms = now;
                   TRY_VOID(finish_within(database, made, now));
                   return made.response.session_id;
                 });
}

Result<void> Responses::break_off(const Call& call, const std::string& id, State state,
                                  const std::string& body) {
  const Response ended{
      .id = id, .state = state, .body = body, .ended_ms = unix_time<Millis>(time_)};
  TRY_VOID(check(ended));
  return store_.writer().write(call, Writer::Durability::Full,
                               [&](Database& database) { return end_running(database, ended); });
}

Result<Response> Responses::find(const Call& call, const std::string& owner,
                                 const std::string& id) {
  return reading(store_, call, [&](Database& database) -> Result<Response> {
    TRY(Query query, database.query(kFind));
    TRY(const bool found, query.bind(owner).bind(id).next());
    if (!found) return nothing_called("response", id);
    return read_response(query);
  });
}

Result<std::vector<Response>> Responses::running(const Call& call) {
  return reading(store_, call, [](Database& database) -> Result<std::vector<Response>> {
    TRY(Query query, database.query(kRunning));
    query.bind(at_most(kListMax, kListMax));
    return all_rows(query, read_response);
  });
}

Result<void> Responses::remove(const Call& call, const std::string& owner, const std::string& id) {
  return store_.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Query known,
            database.query("SELECT session_id FROM responses WHERE owner = ? AND id = ?"));
        TRY(const bool found, known.bind(owner).bind(id).next());
        if (!found) return nothing_called("response", id);
        const std::string session = known.text(0);
        TRY(Query query, database.query("DELETE FROM responses WHERE id = ?"));
        TRY_VOID(query.bind(id).run());
        TRY(Query all, database.query(kForgetAll));
        TRY_VOID(all.bind(session).run());
        TRY(Query last, database.query(kForgetLast));
        return last.bind(session).run();
      });
}

}  // namespace hearth::store
