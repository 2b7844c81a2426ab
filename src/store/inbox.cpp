#include "store/inbox.h"

#include "base/fields.h"
#include "chat/message_json.h"
#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

using State = Inbound::State;
constexpr Names<5> kStates = {"waiting", "running", "done", "failed", "dropped"};
constexpr const char* kKeyField = "Idempotency-Key";

// A macro, because a statement's text is a literal.
#define INBOX_COLUMNS                                                                  \
  "SELECT id, session_id, owner, message, options, key, digest, state, reason, turn, " \
  "attempts, created_ms, ended_ms FROM inbox "
constexpr const char* kById = INBOX_COLUMNS "WHERE id = ?";
constexpr const char* kByKey = INBOX_COLUMNS "WHERE owner = ? AND key = ?";
constexpr const char* kByTurn = INBOX_COLUMNS "WHERE session_id = ? AND turn = ?";
constexpr const char* kOldest = INBOX_COLUMNS
    "WHERE session_id = ? AND state = 'waiting' AND ended_ms IS NULL ORDER BY id LIMIT 1";
constexpr const char* kUnfinishedOf =
    INBOX_COLUMNS "WHERE session_id = ? AND ended_ms IS NULL ORDER BY state, id LIMIT ?";
#undef INBOX_COLUMNS

constexpr const char* kCount =
    "SELECT count(*) FROM inbox WHERE session_id = ? AND state = ? AND ended_ms IS NULL";
constexpr const char* kInsert =
    "INSERT INTO inbox (session_id, owner, message, options, key, digest, state, created_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)";
constexpr const char* kBegin =
    "UPDATE inbox SET state = 'running', attempts = attempts + 1, begun_ms = ?, turn = ? "
    "WHERE id = ?";
constexpr const char* kEnd = "UPDATE inbox SET state = ?, reason = ?, ended_ms = ? WHERE id = ?";
constexpr const char* kNextTurn =
    "SELECT 1 + max(coalesce((SELECT max(turn) FROM messages WHERE session_id = ?1), -1), "
    "coalesce((SELECT max(turn) FROM inbox WHERE session_id = ?1), -1))";

Result<Inbound> read_inbound(const Query& row) {
  Inbound inbound;
  inbound.id = row.integer(0);
  inbound.offer.session_id = row.text(1);
  inbound.offer.owner = row.text(2);
  TRY(inbound.offer.message, chat::message_of(row.text(3)));
  inbound.offer.options = row.text(4);
  inbound.offer.key = optional_text(row, 5);
  inbound.offer.digest = row.text(6);
  TRY(inbound.state, value_in<State>(kStates, row.text(7)));
  inbound.reason = row.text(8);
  if (!row.is_null(9)) inbound.turn = small(row, 9);
  inbound.attempts = small(row, 10);
  inbound.created_ms = row.integer(11);
  inbound.ended_ms = optional_integer(row, 12);
  return inbound;
}

Result<std::size_t> count_of(Database& database, const std::string& session_id, State state) {
  TRY(Query query, database.query(kCount));
  TRY(const bool row, query.bind(session_id).bind(name_in(kStates, state)).next());
  return row ? static_cast<std::size_t>(query.integer(0)) : 0;
}

Result<void> check_offer(const Offer& offer, const std::string& message) {
  if (offer.key) TRY_VOID(check_text(kKeyField, *offer.key, Inbox::kKeyBytesMax));
  TRY_VOID(check_bytes("digest", offer.digest, Inbox::kDigestBytesMax));
  TRY_VOID(check_bytes("message", message, Inbox::kMessageBytesMax));
  return check_bytes("options", offer.options, Inbox::kMessageBytesMax);
}

Result<std::optional<Inbound>> with_key(Database& database, const std::string& owner,
                                        const std::string& key) {
  TRY(Query query, database.query(kByKey));
  TRY(const bool seen, query.bind(owner).bind(key).next());
  if (!seen) return std::optional<Inbound>();
  TRY(Inbound earlier, read_inbound(query));
  return std::optional(std::move(earlier));
}

/// The row of an earlier request with this key. Errors: InvalidInput (that was another request).
Result<std::optional<Inbound>> repeated(Database& database, const Offer& offer) {
  if (!offer.key) return std::optional<Inbound>();
  TRY(auto earlier, with_key(database, offer.owner, *offer.key));
  if (!earlier) return earlier;
  if (earlier->offer.digest != offer.digest || earlier->offer.session_id != offer.session_id)
    return field_error(kKeyField,
                       "came with another request before; a new request needs a new one");
  return earlier;
}

Result<Inbound> insert(Database& database, const Offer& offer, const std::string& message,
                       std::int64_t now_ms) {
  TRY_VOID(require_session(database, offer.session_id, offer.owner));
  TRY(const std::size_t waiting, count_of(database, offer.session_id, State::Waiting));
  if (waiting >= Inbox::kWaitingMax)
    return Error{Code::Busy, "the session has " + std::to_string(Inbox::kWaitingMax) +
                                 " messages waiting; try again when one is answered"};
  TRY(Query query, database.query(kInsert));
  query.bind(offer.session_id).bind(offer.owner).bind(message).bind(offer.options);
  query.bind_or_null(offer.key).bind(offer.digest).bind(now_ms);
  TRY_VOID(query.run());
  return Inbound{.id = database.added_id(), .offer = offer, .created_ms = now_ms};
}

Result<std::uint32_t> next_turn(Database& database, const std::string& session_id) {
  TRY(Query query, database.query(kNextTurn));
  TRY_VOID(query.bind(session_id).next());
  return small(query, 0);
}

Error is_otherwise(const Inbound& inbound, const char* wanted) {
  return field_error("message", "number " + std::to_string(inbound.id) + " cannot become " +
                                    wanted + ", it is " + inbound_state_name(inbound.state));
}

}  // namespace

const char* inbound_state_name(State state) { return name_in(kStates, state); }

Result<Inbox::Accepted> Inbox::accept(const Call& call, const Offer& offer) {
  const std::string message = chat::message_text(offer.message);
  TRY_VOID(check_offer(offer, message));
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) -> Result<Accepted> {
                   TRY(auto earlier, repeated(database, offer));
                   if (earlier) return Accepted{*std::move(earlier), false};
                   TRY(Inbound made, insert(database, offer, message, now));
                   return Accepted{std::move(made), true};
                 });
}

Result<std::optional<Inbound>> Inbox::begin(const Call& call, const std::string& session_id) {
  const std::int64_t now = unix_time<Millis>(time_);
  const auto work = [&](Database& database) -> Result<std::optional<Inbound>> {
    TRY(const std::size_t running, count_of(database, session_id, State::Running));
    if (running > 0) return std::optional<Inbound>();
    TRY(Query oldest, database.query(kOldest));
    TRY(const bool found, oldest.bind(session_id).next());
    if (!found) return std::optional<Inbound>();
    TRY(Inbound inbound, read_inbound(oldest));
    if (!inbound.turn) {
      TRY(inbound.turn, next_turn(database, session_id));
    }
    inbound.state = State::Running;
    ++inbound.attempts;
    TRY(Query query, database.query(kBegin));
    TRY_VOID(query.bind(now).bind(std::int64_t{*inbound.turn}).bind(inbound.id).run());
    return std::optional(std::move(inbound));
  };
  // Should it be lost with the power, the message waits again; what the turn does comes after it in
  // the same log.
  return writing(store_, call, Writer::Durability::Normal, work);
}

Result<void> Inbox::put_back(const Call& call, std::int64_t id) {
  return writing(store_, call, Writer::Durability::Normal, [&](Database& database) -> Result<void> {
    TRY(const Inbound inbound, find_within(database, id));
    if (inbound.state != State::Running) return is_otherwise(inbound, "waiting");
    TRY(Query query, database.query("UPDATE inbox SET state = 'waiting' WHERE id = ?"));
    return query.bind(id).run();
  });
}

Result<void> Inbox::end_within(Database& database, std::int64_t id, State end,
                               const std::string& reason, std::int64_t now_ms) {
  TRY(const Inbound inbound, find_within(database, id));
  const bool may_end =
      inbound.state == State::Running || (inbound.state == State::Waiting && end != State::Done);
  if (!may_end) return is_otherwise(inbound, name_in(kStates, end));
  TRY(Query query, database.query(kEnd));
  query.bind(name_in(kStates, end)).bind(cut_to(reason, kReasonBytesMax));
  return query.bind(now_ms).bind(id).run();
}

Result<void> Inbox::end(const Call& call, std::int64_t id, State end, const std::string& reason) {
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(call, Writer::Durability::Full, [&](Database& database) {
    return end_within(database, id, end, reason, now);
  });
}

Result<void> Inbox::finish(const Call& call, std::int64_t id) {
  return end(call, id, State::Done, "");
}

Result<void> Inbox::fail(const Call& call, std::int64_t id, const std::string& reason) {
  return end(call, id, State::Failed, reason);
}

Result<void> Inbox::drop(const Call& call, std::int64_t id, const std::string& reason) {
  return end(call, id, State::Dropped, reason);
}

Result<Inbound> Inbox::find_within(Database& database, std::int64_t id) {
  TRY(Query query, database.query(kById));
  TRY(const bool found, query.bind(id).next());
  if (!found) return nothing_called("message", std::to_string(id));
  return read_inbound(query);
}

Result<Inbound> Inbox::of_turn(const Call& call, const std::string& session_id,
                               std::uint32_t turn) {
  return reading(store_, call, [&](Database& database) -> Result<Inbound> {
    TRY(Query query, database.query(kByTurn));
    TRY(const bool found, query.bind(session_id).bind(std::int64_t{turn}).next());
    if (!found) return nothing_called("message of turn", std::to_string(turn));
    return read_inbound(query);
  });
}

Result<Inbound> Inbox::find(const Call& call, const std::string& owner, std::int64_t id) {
  return reading(store_, call, [&](Database& database) -> Result<Inbound> {
    TRY(Inbound inbound, find_within(database, id));
    if (inbound.offer.owner != owner) return nothing_called("message", std::to_string(id));
    return inbound;
  });
}

Result<std::optional<Inbound>> Inbox::find_key(const Call& call, const std::string& owner,
                                               const std::string& key) {
  return reading(store_, call, [&](Database& database) { return with_key(database, owner, key); });
}

Result<std::size_t> Inbox::waiting(const Call& call, const std::string& session_id) {
  return reading(store_, call, [&](Database& database) {
    return count_of(database, session_id, State::Waiting);
  });
}

/// "running" sorts before "waiting".
Result<std::vector<Inbound>> Inbox::unfinished_of(const Call& call, const std::string& session_id) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Inbound>> {
    TRY(Query query, database.query(kUnfinishedOf));
    query.bind(session_id).bind(at_most(kListMax, kListMax));
    return all_rows(query, read_inbound);
  });
}

}  // namespace hearth::store
