#include "store/turns.h"

#include <set>

#include "base/fields.h"
#include "store/rows/rows.h"

namespace hearth::store {
namespace {

constexpr const char* kUnfinished =
    "SELECT session_id FROM inbox INDEXED BY inbox_open WHERE ended_ms IS NULL "
    "GROUP BY session_id ORDER BY min(id)";
constexpr const char* kToldCalls =
    "SELECT json_extract(details, '$.tool_call_id') FROM messages "
    "WHERE session_id = ? AND turn = ? AND role = 'tool' AND details IS NOT NULL";

/// Its messages under the number that the turn was given, whatever the caller set.
std::vector<Entry> of_turn(std::vector<Entry> entries, std::uint32_t turn) {
  for (Entry& entry : entries) entry.turn = turn;
  return entries;
}

/// The calls of a turn whose results are in the transcript, or are about to be.
Result<std::set<std::string>> told_calls(Database& database, const Inbound& message,
                                         const std::vector<Entry>& entries) {
  std::set<std::string> told;
  for (const Entry& entry : entries) told.insert(entry.message.tool_call_id);
  TRY(Query query, database.query(kToldCalls));
  query.bind(message.offer.session_id).bind(std::int64_t{*message.turn});
  TRY_VOID(query.each([&told](const Query& row) -> Result<void> {
    told.insert(row.text(0));
    return ok();
  }));
  return told;
}

/// Results of tools that would not be told. A read that was cut off did nothing.
Result<std::vector<Entry>> untold(Database& database, const Inbound& message,
                                  const std::vector<Entry>& entries, std::int64_t now_ms) {
  const std::string& session = message.offer.session_id;
  TRY_VOID(Effects::mark_uncertain_within(database, session, *message.turn, now_ms));
  TRY(const auto effects, Effects::of_turn_within(database, session, *message.turn));
  TRY(const auto told, told_calls(database, message, entries));
  std::vector<Entry> missing;
  for (const Effect& effect : effects) {
    if (effect.state == Effect::State::Intended || told.contains(effect.run.call_id)) continue;
    missing.push_back({.message = {.role = chat::Role::Tool,
                                   .content = shown(effect),
                                   .tool_call_id = effect.run.call_id,
                                   .name = effect.run.tool}});
  }
  return missing;
}

Result<std::uint32_t> commit_within(Database& database, const TurnEnd& end, std::int64_t now_ms) {
  TRY(const Inbound message, Inbox::find_within(database, end.message_id));
  if (!message.turn) return field_error("message", "was never begun");
  TRY_VOID(Inbox::end_within(database, message.id, end.end, end.reason, now_ms));
  for (const Reply& reply : end.replies) TRY_VOID(Outbox::enqueue_within(database, reply, now_ms));
  TRY(std::vector<Entry> entries, untold(database, message, end.entries, now_ms));
  entries.insert(entries.end(), end.entries.begin(), end.entries.end());
  return Transcript::append_within(database, message.offer.session_id,
                                   of_turn(std::move(entries), *message.turn), now_ms);
}

}  // namespace

Result<std::uint32_t> Turns::commit(const Call& call, const TurnEnd& end) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [&](Database& database) { return commit_within(database, end, now); });
}

Result<Left> Turns::recover(const Call& call) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full, [now](Database& database) -> Result<Left> {
    Left left;
    TRY(left.uncertain, Effects::mark_uncertain_within(database, now));
    TRY(Query unfinished, database.query(kUnfinished));
    TRY(left.sessions,
        all_rows(unfinished, [](const Query& row) -> Result<std::string> { return row.text(0); }));
    return left;
  });
}

}  // namespace hearth::store
