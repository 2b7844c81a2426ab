#include "store/effects.h"

#include "base/fields.h"
#include "store/rows/rows.h"
#include "store/sessions.h"

namespace hearth::store {
namespace {

using State = Effect::State;
constexpr Names<4> kStates = {"intended", "done", "failed", "uncertain"};
constexpr Names<4> kClasses = {"reads", "writes", "runs", "sends"};

// A macro, because a statement's text is a literal.
#define EFFECT_COLUMNS                                                            \
  "SELECT id, session_id, turn, call_id, tool, arguments, class, state, result, " \
  "created_ms, ended_ms FROM effects "
constexpr const char* kByCall = EFFECT_COLUMNS "WHERE session_id = ? AND turn = ? AND call_id = ?";
constexpr const char* kOfTurn =
    EFFECT_COLUMNS "WHERE session_id = ? AND turn = ? ORDER BY id LIMIT ?";
#undef EFFECT_COLUMNS

constexpr const char* kInsert =
    "INSERT INTO effects (session_id, turn, call_id, tool, arguments, class, state, created_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, 'intended', ?)";
constexpr const char* kMark =
    "UPDATE effects SET state = 'uncertain', ended_ms = ? "
    "WHERE state = 'intended' AND class <> 'reads'";
constexpr const char* kMarkOfTurn =
    "UPDATE effects SET state = 'uncertain', ended_ms = ? "
    "WHERE session_id = ? AND turn = ? AND state = 'intended' AND class <> 'reads'";
constexpr const char* kEnd = "UPDATE effects SET state = ?, result = ?, ended_ms = ? WHERE id = ?";

constexpr const char* kUncertain =
    "uncertain: this was interrupted while it ran. It may have happened, in part or not at all. It "
    "was not repeated; look before you try again.";

Result<Effect> read_effect(const Query& row) {
  Effect effect{.id = row.integer(0),
                .run = {.session_id = row.text(1),
                        .turn = small(row, 2),
                        .call_id = row.text(3),
                        .tool = row.text(4),
                        .arguments = row.text(5)},
                .result = row.text(8),
                .created_ms = row.integer(9),
                .ended_ms = optional_integer(row, 10)};
  TRY(effect.run.effect, value_in<EffectClass>(kClasses, row.text(6)));
  TRY(effect.state, value_in<State>(kStates, row.text(7)));
  return effect;
}

Result<void> check_run(const ToolRun& run) {
  TRY_VOID(check_text("call_id", run.call_id, Effects::kNameBytesMax));
  TRY_VOID(check_text("tool", run.tool, Effects::kNameBytesMax));
  return check_bytes("arguments", run.arguments, Effects::kTextBytesMax);
}

/// The row of the same call when the turn was done before. Errors: InvalidInput (another call).
Result<std::optional<Effect>> repeated(Database& database, const ToolRun& run) {
  TRY(Query query, database.query(kByCall));
  query.bind(run.session_id).bind(std::int64_t{run.turn}).bind(run.call_id);
  TRY(const bool known, query.next());
  if (!known) return std::optional<Effect>();
  TRY(Effect earlier, read_effect(query));
  if (earlier.run.tool != run.tool || earlier.run.arguments != run.arguments)
    return field_error("call_id", "was another call in this turn before");
  return std::optional(std::move(earlier));
}

Result<Effects::Begun> insert(Database& database, const ToolRun& run, std::int64_t now_ms) {
  TRY_VOID(require_session(database, run.session_id));
  TRY(Query query, database.query(kInsert));
  query.bind(run.session_id).bind(std::int64_t{run.turn}).bind(run.call_id).bind(run.tool);
  query.bind(run.arguments).bind(name_in(kClasses, run.effect)).bind(now_ms);
  TRY_VOID(query.run());
  return Effects::Begun{.effect = {.id = database.added_id(), .run = run, .created_ms = now_ms}};
}

Writer::Durability needed(EffectClass effect) {
  return effect == EffectClass::Reads ? Writer::Durability::Normal : Writer::Durability::Full;
}

}  // namespace

const char* effect_class_name(EffectClass effect) { return name_in(kClasses, effect); }
const char* effect_state_name(State state) { return name_in(kStates, state); }

std::string shown(const Effect& effect) {
  if (effect.state == State::Done) return effect.result;
  return effect.state == State::Failed ? "error: " + effect.result : kUncertain;
}

Result<Effects::Begun> Effects::intend(const Call& call, const ToolRun& run) {
  TRY_VOID(check_run(run));
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, needed(run.effect), [&](Database& database) -> Result<Begun> {
    TRY(auto earlier, repeated(database, run));
    if (!earlier) return insert(database, run, now);
    const bool may_run =
        earlier->state == State::Intended && earlier->run.effect == EffectClass::Reads;
    return Begun{*std::move(earlier), may_run};
  });
}

Result<void> Effects::end(const Call& call, std::int64_t id, State end, const std::string& result,
                          EffectClass effect) {
  const std::int64_t now = unix_time<Millis>(time_);
  return store_.writer().write(call, needed(effect), [&](Database& database) -> Result<void> {
    TRY(Query known, database.query("SELECT state FROM effects WHERE id = ?"));
    TRY(const bool found, known.bind(id).next());
    if (!found) return nothing_called("tool run", std::to_string(id));
    if (known.text(0) != name_in(kStates, State::Intended))
      return field_error("effect", "number " + std::to_string(id) + " is already " + known.text(0));
    TRY(Query query, database.query(kEnd));
    query.bind(name_in(kStates, end)).bind(cut_to(result, kTextBytesMax));
    return query.bind(now).bind(id).run();
  });
}

Result<void> Effects::finish(const Call& call, std::int64_t id, const std::string& result,
                             EffectClass effect) {
  return end(call, id, State::Done, result, effect);
}

Result<void> Effects::fail(const Call& call, std::int64_t id, const std::string& why,
                           EffectClass effect) {
  return end(call, id, State::Failed, why, effect);
}

Result<void> Effects::doubt(const Call& call, std::int64_t id) {
  return end(call, id, State::Uncertain, "", EffectClass::Writes);
}

Result<void> Effects::mark_uncertain_within(Database& database, const std::string& session_id,
                                            std::uint32_t turn, std::int64_t now_ms) {
  TRY(Query query, database.query(kMarkOfTurn));
  return query.bind(now_ms).bind(session_id).bind(std::int64_t{turn}).run();
}

Result<std::size_t> Effects::mark_uncertain_within(Database& database, std::int64_t now_ms) {
  TRY(Query query, database.query(kMark));
  TRY_VOID(query.bind(now_ms).run());
  return static_cast<std::size_t>(database.changes());
}

Result<std::size_t> Effects::mark_uncertain(const Call& call) {
  const std::int64_t now = unix_time<Millis>(time_);
  return writing(store_, call, Writer::Durability::Full,
                 [now](Database& database) { return mark_uncertain_within(database, now); });
}

Result<std::vector<Effect>> Effects::of_turn_within(Database& database,
                                                    const std::string& session_id,
                                                    std::uint32_t turn) {
  TRY(Query query, database.query(kOfTurn));
  query.bind(session_id).bind(std::int64_t{turn}).bind(at_most(kListMax, kListMax));
  return all_rows(query, read_effect);
}

Result<std::vector<Effect>> Effects::of_turn(const Call& call, const std::string& session_id,
                                             std::uint32_t turn) {
  return reading(store_, call,
                 [&](Database& database) { return of_turn_within(database, session_id, turn); });
}

}  // namespace hearth::store
