#include "agent/toolbox.h"

#include "base/log.h"
#include "policy/scope.h"
#include "store/decisions.h"
#include "store/effects.h"
#include "store/rules.h"

namespace hearth::agent {
namespace {

constexpr const char* kUncertain =
    "uncertain: the program was interrupted while this ran. It may have happened, in part or not "
    "at "
    "all. It was not repeated; look before you try again.";

/// The two rooms name the same four classes, for neither may know the other.
store::EffectClass effect_of(policy::Effect effect) {
  switch (effect) {
    case policy::Effect::Reads: return store::EffectClass::Reads;
    case policy::Effect::Writes: return store::EffectClass::Writes;
    case policy::Effect::Runs: return store::EffectClass::Runs;
    case policy::Effect::Sends: return store::EffectClass::Sends;
  }
  return store::EffectClass::Sends;
}

store::Decision::What what_of(policy::Decision decision) {
  if (decision == policy::Decision::Allow) return store::Decision::What::Allow;
  if (decision == policy::Decision::Ask) return store::Decision::What::Ask;
  return store::Decision::What::Deny;
}

policy::PatternKind kind_of(store::Rule::Kind kind) {
  if (kind == store::Rule::Kind::Exact) return policy::PatternKind::Exact;
  if (kind == store::Rule::Kind::Regex) return policy::PatternKind::Regex;
  return policy::PatternKind::Wildcard;
}

policy::RuleText text_of(const store::Rule& rule) {
  const bool allows = rule.decision == store::Rule::Decision::Allow;
  return {.name = "learned-" + std::to_string(rule.id),
          .tool = rule.tool,
          .kind = kind_of(rule.kind),
          .pattern = rule.pattern,
          .decision = allows ? policy::Decision::Allow : policy::Decision::Deny,
          .expires_ms = rule.expires_ms,
          .session = rule.session_id,
          .origin = policy::Origin::Learned};
}

std::string error_text(const Error& error) { return "error: " + error.message; }

bool is_end_of_call(const Error& error) {
  return error.code == Code::Timeout || error.code == Code::Cancelled;
}

}  // namespace

chat::Question question_of(const store::Approval& approval) {
  return {.id = approval.id,
          .tool = approval.asked.tool,
          .target = approval.asked.target,
          .arguments = approval.asked.arguments,
          .preview = approval.asked.preview,
          .expires_ms = approval.asked.expires_ms};
}

Toolbox::Toolbox(Parts parts)
    : parts_(std::move(parts)),
      runner_(parts_.registry, parts_.output_bytes_max),
      offered_(parts_.registry.for_grammar()) {}

Result<Toolbox::Outcome> Toolbox::act(const Call& call, const Place& place,
                                      const chat::ToolCall& wanted) const {
  TRY(const auto before, made_before(call, place, wanted));
  if (before) return Outcome(*before);
  TRY(const auto rules, rules_for(call, place));
  const tools::Situation situation{.asker = {place.owner, parts_.workspace},
                                   .rules = rules,
                                   .moment = {.now_ms = unix_time<Millis>(parts_.time),
                                              .session = place.session_id,
                                              .plan_mode = parts_.plan_mode}};
  TRY(const Checked checked, runner_.check(call, wanted, situation));
  if (checked.kind == Checked::Kind::BadArguments) {
    std::string told = "error: " + checked.problem;
    if (checked.is_malformed) return Outcome(Malformed{std::move(told)});
    return Outcome(std::move(told));
  }
  TRY_VOID(record(call, place, checked));
  if (checked.kind == Checked::Kind::Denied) return Outcome("denied: " + checked.problem);
  if (checked.kind == Checked::Kind::NeedsApproval)
    return ask(call, place, wanted, checked, situation);
  return run(call, place, wanted, checked, situation, tools::Runner::Consent::None);
}

/// What a turn that was cut off has of this call. A read that was cut off is simply made again.
Result<std::optional<std::string>> Toolbox::made_before(const Call& call, const Place& place,
                                                        const chat::ToolCall& wanted) const {
  store::Effects effects(parts_.store, parts_.time);
  TRY(const auto made, effects.of_turn(call, place.session_id, place.turn));
  for (const store::Effect& effect : made) {
    if (effect.run.call_id != wanted.id) continue;
    switch (effect.state) {
      case store::Effect::State::Done: return std::optional(effect.result);
      case store::Effect::State::Failed: return std::optional("error: " + effect.result);
      case store::Effect::State::Uncertain: return std::optional<std::string>(kUncertain);
      case store::Effect::State::Intended: break;
    }
  }
  return std::optional<std::string>();
}

Result<std::vector<policy::Rule>> Toolbox::rules_for(const Call& call, const Place& place) const {
  std::vector<policy::Rule> rules = parts_.rules;
  store::Rules kept(parts_.store, parts_.time);
  TRY(const auto learned, kept.list(call, place.owner, place.session_id));
  for (const store::Rule& rule : learned) {
    auto made = policy::Rule::make(text_of(rule));
    if (made.ok()) {
      rules.push_back(std::move(made).value());
    } else {
      log::error("a learned rule is left out: {}", made.error().message);
    }
  }
  return rules;
}

Result<void> Toolbox::record(const Call& call, const Place& place, const Checked& checked) const {
  store::Decisions decisions(parts_.store, parts_.time);
  TRY_VOID(decisions.record(call, {.owner = place.owner,
                                   .session_id = place.session_id,
                                   .turn = place.turn,
                                   .tool = checked.entry->name,
                                   .target = checked.target.text,
                                   .what = what_of(checked.verdict.decision),
                                   .rule = checked.verdict.rule}));
  return ok();
}

Result<Toolbox::Outcome> Toolbox::ask(const Call& call, const Place& place,
                                      const chat::ToolCall& wanted, const Checked& checked,
                                      const tools::Situation& situation) const {
  store::Approvals approvals(parts_.store, parts_.time);
  const std::int64_t now = unix_time<Millis>(parts_.time);
  TRY(store::Approval approval,
      approvals.ask(call, {.session_id = place.session_id,
                           .owner = place.owner,
                           .turn = place.turn,
                           .call_id = wanted.id,
                           .tool = wanted.name,
                           .target = checked.target.text,
                           .arguments = wanted.arguments,
                           .preview = checked.preview,
                           .expires_ms = now + parts_.approval_timeout.count()}));
  switch (approval.state) {
    case store::Approval::State::Waiting:
      if (now < approval.asked.expires_ms) return Outcome(std::move(approval));
      return Outcome("denied: nobody answered in time");
    case store::Approval::State::Allowed:
      return run(call, place, wanted, checked, situation, tools::Runner::Consent::Given);
    case store::Approval::State::Denied: return Outcome("denied: the user said no");
    case store::Approval::State::Expired: return Outcome("denied: nobody answered in time");
  }
  return Error{Code::Internal, "an approval of no known state"};
}

Result<Toolbox::Outcome> Toolbox::run(const Call& call, const Place& place,
                                      const chat::ToolCall& wanted, const Checked& checked,
                                      const tools::Situation& situation,
                                      tools::Runner::Consent consent) const {
  store::Effects effects(parts_.store, parts_.time);
  TRY(const auto begun, effects.intend(call, {.session_id = place.session_id,
                                              .turn = place.turn,
                                              .call_id = wanted.id,
                                              .tool = wanted.name,
                                              .arguments = wanted.arguments,
                                              .effect = effect_of(checked.entry->tool->effect())}));
  if (!begun.may_run) return Outcome(kUncertain);
  const auto outcome = runner_.run(call, checked, situation, consent);
  if (outcome.ok()) {
    TRY_VOID(effects.finish(call, begun.effect.id, outcome.value().text));
    return Outcome(outcome.value().text);
  }
  // Stopped in the middle: what happened is not known, and the row stays as it is.
  if (is_end_of_call(outcome.error()) && call.stop.stop_requested()) return outcome.error();
  TRY_VOID(effects.fail(call, begun.effect.id, outcome.error().message));
  return Outcome(error_text(outcome.error()));
}

Result<store::Approval> Toolbox::decide(const Call& call, const std::string& owner,
                                        const std::string& id, const Answer& answer) const {
  store::Approvals approvals(parts_.store, parts_.time);
  TRY(store::Approval decided, approvals.decide(call, owner, id, answer.verdict));
  if (answer.verdict.scope != store::ApprovalScope::Once) TRY_VOID(learn(call, decided, answer));
  return decided;
}

Result<void> Toolbox::learn(const Call& call, const store::Approval& decided,
                            const Answer& answer) const {
  const store::Asked& asked = decided.asked;
  const auto* entry = parts_.registry.find(asked.tool);
  if (!entry) return ok();  // a tool of an earlier version
  const bool alike = answer.breadth == policy::Breadth::Alike;
  const policy::Action action{.tool = asked.tool,
                              .effect = entry->tool->effect(),
                              .target = asked.target,
                              .place = policy::Place::Workspace};
  store::Rule rule{.owner = asked.owner,
                   .tool = asked.tool,
                   .kind = alike ? store::Rule::Kind::Wildcard : store::Rule::Kind::Exact,
                   .pattern = alike ? policy::alike_pattern(action) : asked.target,
                   .decision = answer.verdict.allow ? store::Rule::Decision::Allow
                                                    : store::Rule::Decision::Deny};
  if (answer.verdict.scope == store::ApprovalScope::Session) rule.session_id = asked.session_id;
  store::Rules rules(parts_.store, parts_.time);
  TRY_VOID(rules.add(call, rule));
  return ok();
}

}  // namespace hearth::agent
