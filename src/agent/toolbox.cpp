#include "agent/toolbox.h"

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"
#include "policy/scope.h"
#include "store/decisions.h"
#include "store/effects.h"
#include "tools/output.h"

namespace hearth::agent {
namespace {

using tools::Checked;

/// What came of a tool is written down also when nobody waits for the turn any more.
constexpr Millis kRecordMax{10'000};

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

/// Stopped in the middle: what happened is not known.
Result<Toolbox::Outcome> in_doubt(const Call& call, store::Effects& effects, store::Effect effect) {
  TRY_VOID(effects.doubt(call, effect.id));
  effect.state = store::Effect::State::Uncertain;
  return Toolbox::Outcome(store::shown(effect));
}

/// What a call is about, also when the workspace is another one: what is kept of it.
std::string subject_of(const Checked& checked) {
  return checked.target.full.empty() ? checked.target.text : checked.target.full;
}

policy::Action lasting_action(const Checked& checked) {
  policy::Action action = checked.action();
  action.target = subject_of(checked);
  return action;
}

/// A wildcard for what is like the action; empty if a rule with it would not speak of the action,
/// as of a command that is several ones.
std::string usable_pattern(const policy::Action& action) {
  std::string pattern = policy::alike_pattern(action);
  const auto rule = policy::Rule::make({.name = "alike",
                                        .tool = action.tool,
                                        .pattern = pattern,
                                        .decision = policy::Decision::Allow});
  return rule.ok() && rule.value().speaks_of(action) ? pattern : "";
}

/// As those see it who have to decide. `checked`: the call as the rules see it now.
chat::Question question_of(const store::Approval& approval, const Checked& checked) {
  chat::Question question{.id = approval.id,
                          .tool = approval.asked.tool,
                          .target = approval.asked.target,
                          .arguments = approval.asked.arguments,
                          .preview = approval.asked.preview,
                          .expires_ms = approval.asked.expires_ms,
                          .session_id = approval.asked.session_id,
                          .turn = approval.asked.turn};
  if (!checked.entry || subject_of(checked) != approval.asked.target) return question;
  question.target = checked.target.text;
  if (!checked.verdict.may_be_learned || !is_utf8(approval.asked.target)) return question;
  question.this_pattern = approval.asked.target;
  question.alike_pattern = usable_pattern(lasting_action(checked));
  return question;
}

/// Why a yes is none to what would happen now; empty if it is.
std::string difference(const store::Asked& asked, const Checked& checked) {
  if (subject_of(checked) != asked.target)
    return "the user allowed this for " + tools::path_text(asked.target) +
           ", but the workspace is another one by now";
  if (checked.preview != asked.preview)
    return tools::path_text(checked.target.text) +
           " changed while the user was asked; look at it and ask again";
  return "";
}

}  // namespace

Toolbox::Toolbox(Parts parts)
    : parts_(std::move(parts)),
      runner_(parts_.registry, parts_.output_bytes_max),
      offered_(parts_.registry.for_grammar()) {}

Result<Toolbox::Outcome> Toolbox::act(const Call& call, const Place& place,
                                      const chat::ToolCall& wanted) const {
  TRY(const auto before, made_before(call, place, wanted));
  if (before) return Outcome(*before);
  TRY(const auto rules, rules_for(call, place));
  const tools::Situation under = situation(place, rules);
  TRY(const Checked checked, runner_.check(call, wanted, under));
  if (checked.kind == Checked::Kind::BadArguments) {
    std::string told = "error: " + checked.problem;
    if (checked.is_malformed) return Outcome(Malformed{std::move(told)});
    return Outcome(std::move(told));
  }
  TRY_VOID(record(call, place, checked));
  if (checked.kind == Checked::Kind::Denied) return Outcome("denied: " + checked.problem);
  if (checked.kind == Checked::Kind::NeedsApproval) return ask(call, place, wanted, checked, under);
  return run(call, place, wanted, checked, under, tools::Runner::Consent::None);
}

/// Borrows the rules.
tools::Situation Toolbox::situation(const Place& place,
                                    const std::vector<policy::Rule>& rules) const {
  return {.asker = {place.owner, parts_.workspace},
          .rules = rules,
          .moment = {.now_ms = unix_time<Millis>(parts_.time),
                     .session = place.session_id,
                     .plan_mode = parts_.plan_mode}};
}

/// What a turn that was cut off has of this call. A read that was cut off is simply made again.
Result<std::optional<std::string>> Toolbox::made_before(const Call& call, const Place& place,
                                                        const chat::ToolCall& wanted) const {
  store::Effects effects(parts_.store, parts_.time);
  TRY(const auto made, effects.of_turn(call, place.session_id, place.turn));
  for (const store::Effect& effect : made) {
    if (effect.run.call_id != wanted.id) continue;
    if (effect.state != store::Effect::State::Intended) return std::optional(store::shown(effect));
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
                           .target = subject_of(checked),
                           .arguments = wanted.arguments,
                           .preview = checked.preview,
                           .expires_ms = now + parts_.approval_timeout.count()}));
  switch (approval.state) {
    case store::Approval::State::Waiting:
      if (now < approval.asked.expires_ms) return Outcome(question_of(approval, checked));
      return Outcome("denied: nobody answered in time");
    case store::Approval::State::Allowed:
      if (const auto differs = difference(approval.asked, checked); !differs.empty())
        return Outcome("error: " + differs);
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
  if (!begun.may_run) return Outcome(store::shown(begun.effect));
  const auto outcome = runner_.run(call, checked, situation, consent);
  const Call recording = Call::within(kRecordMax);
  if (outcome.ok()) {
    TRY_VOID(
        effects.finish(recording, begun.effect.id, outcome.value().text, begun.effect.run.effect));
    return Outcome(outcome.value().text);
  }
  if (is_end_of_call(outcome.error())) {
    const bool only_looked = begun.effect.run.effect == store::EffectClass::Reads;
    // A read that was stopped is made again should the turn go on.
    if (only_looked && call.stop.stop_requested()) return outcome.error();
    if (!only_looked) return in_doubt(recording, effects, begun.effect);
  }
  TRY_VOID(
      effects.fail(recording, begun.effect.id, outcome.error().message, begun.effect.run.effect));
  return Outcome(error_text(outcome.error()));
}

Result<std::vector<chat::Question>> Toolbox::waiting(const Call& call,
                                                     const std::string& owner) const {
  store::Approvals approvals(parts_.store, parts_.time);
  TRY(const auto all, approvals.waiting(call, owner));
  std::vector<chat::Question> questions;
  for (const store::Approval& approval : all) {
    TRY(chat::Question asked, question(call, approval));
    questions.push_back(std::move(asked));
  }
  return questions;
}

Result<chat::Question> Toolbox::question(const Call& call, const store::Approval& approval) const {
  const store::Asked& asked = approval.asked;
  const Place place{asked.owner, asked.session_id, asked.turn};
  TRY(const auto rules, rules_for(call, place));
  TRY(const Checked checked,
      runner_.check(call, {asked.call_id, asked.tool, asked.arguments}, situation(place, rules)));
  return question_of(approval, checked);
}

Result<store::Approval> Toolbox::decide(const Call& call, const std::string& owner,
                                        const std::string& id, const Answer& answer) const {
  store::Approvals approvals(parts_.store, parts_.time);
  if (answer.verdict.scope == store::ApprovalScope::Once) {
    if (answer.holds) return field_error("expires", "needs the scope session or always");
    return approvals.decide(call, owner, id, answer.verdict);
  }
  TRY(const store::Approval asked, approvals.find(call, owner, id));
  TRY(const store::Rule rule, rule_from(call, asked, answer));
  return approvals.decide(call, owner, id, answer.verdict, rule);
}

Result<store::Rule> Toolbox::rule_from(const Call& call, const store::Approval& approval,
                                       const Answer& answer) const {
  TRY(const chat::Question asked, question(call, approval));
  const bool alike = answer.breadth == policy::Breadth::Alike;
  if (asked.this_pattern.empty())
    return field_error("scope", "an answer to this holds once: the rules ask each time");
  if (alike && asked.alike_pattern.empty()) return field_error("pattern", "nothing is like this");
  store::Rule rule{.owner = approval.asked.owner,
                   .tool = approval.asked.tool,
                   .kind = alike ? store::Rule::Kind::Wildcard : store::Rule::Kind::Exact,
                   .pattern = alike ? asked.alike_pattern : asked.this_pattern,
                   .decision = answer.verdict.allow ? store::Rule::Decision::Allow
                                                    : store::Rule::Decision::Deny};
  if (answer.verdict.scope == store::ApprovalScope::Session)
    rule.session_id = approval.asked.session_id;
  if (answer.holds) rule.expires_ms = unix_time<Millis>(parts_.time) + answer.holds->count();
  return rule;
}

std::vector<Toolbox::Facts> Toolbox::facts() const {
  const policy::Moment now{.now_ms = unix_time<Millis>(parts_.time), .plan_mode = parts_.plan_mode};
  std::vector<Facts> all;
  for (const tools::Registry::Entry& entry : parts_.registry.entries()) {
    // With an empty target, of which rules for everything speak and no others. The defaults for
    // memory are those for the workspace, and one more, for remember.
    const policy::Action action{
        .tool = entry.name, .effect = entry.tool->effect(), .place = policy::Place::Memory};
    const auto names_it = [&](const policy::Rule& rule) {
      return rule.text().tool == "*" || rule.text().tool == entry.name;
    };
    all.push_back({.name = entry.name,
                   .description = entry.tool->description(),
                   .effect = action.effect,
                   .decision = policy::decide(parts_.rules, action, now).decision,
                   .has_rules = std::ranges::any_of(parts_.rules, names_it)});
  }
  return all;
}

}  // namespace hearth::agent
