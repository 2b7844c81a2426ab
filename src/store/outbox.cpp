#include "store/outbox.h"

#include <algorithm>
#include <initializer_list>

#include "base/fields.h"
#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

using State = Outbound::State;
constexpr Names<4> kStates = {"intended", "sent", "acknowledged", "failed"};

// A macro, because a statement's text is a literal.
#define OUTBOX_COLUMNS                                                                   \
  "SELECT id, session_id, destination, payload, key, state, attempts, next_attempt_ms, " \
  "last_error, created_ms, ended_ms FROM outbox "
constexpr const char* kById = OUTBOX_COLUMNS "WHERE id = ?";
constexpr const char* kDue = OUTBOX_COLUMNS
    "AS mine INDEXED BY outbox_open WHERE ended_ms IS NULL AND state = 'intended' "
    "AND substr(destination, 1, length(?1)) = ?1 AND next_attempt_ms <= ?3 AND NOT EXISTS "
    "(SELECT 1 FROM outbox AS before WHERE before.destination = mine.destination "
    "AND before.ended_ms IS NULL AND before.id < mine.id) ORDER BY id LIMIT ?2";
constexpr const char* kSent = OUTBOX_COLUMNS
    "INDEXED BY outbox_open WHERE ended_ms IS NULL AND state = 'sent' "
    "AND substr(destination, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2";
#undef OUTBOX_COLUMNS

constexpr const char* kOpen =
    "SELECT count(*) FROM outbox WHERE destination = ? AND ended_ms IS NULL";
constexpr const char* kInsert =
    "INSERT INTO outbox (session_id, destination, payload, key, state, next_attempt_ms, "
    "created_ms) VALUES (?1, ?2, ?3, ?4, 'intended', ?5, ?5)";
constexpr const char* kUpdate =
    "UPDATE outbox SET state = ?, attempts = ?, next_attempt_ms = ?, last_error = ?, ended_ms = ? "
    "WHERE id = ?";

Result<Outbound> read_outbound(const Query& row) {
  Outbound outbound{.id = row.integer(0),
                    .reply = {.session_id = row.text(1),
                              .destination = row.text(2),
                              .payload = row.text(3),
                              .key = row.text(4)},
                    .attempts = small(row, 6),
                    .next_attempt_ms = row.integer(7),
                    .last_error = row.text(8),
                    .created_ms = row.integer(9),
                    .ended_ms = optional_integer(row, 10)};
  TRY(outbound.state, value_in<State>(kStates, row.text(5)));
  return outbound;
}

Result<void> check_reply(const Reply& reply) {
  TRY_VOID(check_text("destination", reply.destination, Outbox::kDestinationBytesMax));
  TRY_VOID(check_text("key", reply.key, Outbox::kKeyBytesMax));
  return check_bytes("payload", reply.payload, Outbox::kPayloadBytesMax);
}

Result<void> check_open(Database& database, const std::string& destination) {
  TRY(Query query, database.query(kOpen));
  TRY_VOID(query.bind(destination).next());
  if (query.integer(0) < static_cast<std::int64_t>(Outbox::kOpenMax)) return ok();
  return Error{Code::Busy, "at most " + std::to_string(Outbox::kOpenMax) +
                               " replies may be on their way to one destination"};
}

Result<Outbound> find_within(Database& database, std::int64_t id) {
  TRY(Query query, database.query(kById));
  TRY(const bool found, query.bind(id).next());
  if (!found) return nothing_called("reply", std::to_string(id));
  return read_outbound(query);
}

Result<void> write_back(Database& database, const Outbound& outbound) {
  TRY(Query query, database.query(kUpdate));
  query.bind(name_in(kStates, outbound.state)).bind(std::int64_t{outbound.attempts});
  query.bind(outbound.next_attempt_ms);
  query.bind(cut_to(outbound.last_error, Outbox::kErrorBytesMax));
  return query.bind_or_null(outbound.ended_ms).bind(outbound.id).run();
}

/// Changes a reply that is in one of the states of `from`. Errors: those of Outbox::sending().
template <class Change>
Result<void> change(Store& store, const Call& call, std::int64_t id,
                    std::initializer_list<State> from, const Change& how) {
  return store.writer().write(
      call, Writer::Durability::Full, [&](Database& database) -> Result<void> {
        TRY(Outbound outbound, find_within(database, id));
        if (std::ranges::find(from, outbound.state) == from.end())
          return field_error("reply", "number " + std::to_string(id) + " is already " +
                                          outbound_state_name(outbound.state));
        how(outbound);
        return write_back(database, outbound);
      });
}

}  // namespace

const char* outbound_state_name(State state) { return name_in(kStates, state); }

Result<std::int64_t> Outbox::enqueue_within(Database& database, const Reply& reply,
                                            std::int64_t now_ms) {
  TRY_VOID(check_reply(reply));
  TRY(Query known, database.query("SELECT id FROM outbox WHERE key = ?"));
  TRY(const bool found, known.bind(reply.key).next());
  if (found) return known.integer(0);
  TRY_VOID(check_open(database, reply.destination));
  TRY_VOID(require_session(database, reply.session_id));
  TRY(Query query, database.query(kInsert));
  query.bind(reply.session_id).bind(reply.destination).bind(reply.payload).bind(reply.key);
  TRY_VOID(query.bind(now_ms).run());
  return database.added_id();
}

Result<std::int64_t> Outbox::enqueue(const Call& call, const Reply& reply) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) { return enqueue_within(database, reply, now); });
}

Result<std::vector<Outbound>> Outbox::due(const Call& call, const std::string& prefix,
                                          std::size_t count) {
  const std::int64_t now = unix_time<Millis>(time_);
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Outbound>> {
    TRY(Query query, database.query(kDue));
    query.bind(prefix).bind(at_most(count, kListMax)).bind(now);
    return all_rows(query, read_outbound);
  });
}

Result<std::vector<Outbound>> Outbox::unacknowledged(const Call& call, const std::string& prefix,
                                                     std::size_t count) {
  return reading(store_, call, [&](Database& database) -> Result<std::vector<Outbound>> {
    TRY(Query query, database.query(kSent));
    query.bind(prefix).bind(at_most(count, kListMax));
    return all_rows(query, read_outbound);
  });
}

Result<Outbound> Outbox::find(const Call& call, std::int64_t id) {
  return reading(store_, call, [&](Database& database) { return find_within(database, id); });
}

Result<void> Outbox::sending(const Call& call, std::int64_t id) {
  return change(store_, call, id, {State::Intended}, [](Outbound& outbound) {
    outbound.state = State::Sent;
    ++outbound.attempts;
  });
}

Result<void> Outbox::acknowledge(const Call& call, std::int64_t id) {
  const std::int64_t now = unix_time<Millis>(time_);
  return change(store_, call, id, {State::Sent}, [now](Outbound& outbound) {
    outbound.state = State::Acknowledged;
    outbound.ended_ms = now;
  });
}

Result<void> Outbox::retry(const Call& call, std::int64_t id, const std::string& error,
                           std::int64_t next_attempt_ms) {
  return change(store_, call, id, {State::Sent}, [&](Outbound& outbound) {
    outbound.state = State::Intended;
    outbound.last_error = error;
    outbound.next_attempt_ms = next_attempt_ms;
  });
}

Result<void> Outbox::give_up(const Call& call, std::int64_t id, const std::string& error) {
  const std::int64_t now = unix_time<Millis>(time_);
  return change(store_, call, id, {State::Intended, State::Sent}, [&](Outbound& outbound) {
    outbound.state = State::Failed;
    outbound.last_error = error;
    outbound.ended_ms = now;
  });
}

}  // namespace hearth::store
