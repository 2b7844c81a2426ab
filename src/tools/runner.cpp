#include "tools/runner.h"

#include "base/utf8.h"

namespace hearth::tools {
namespace {

policy::Action action_of(const Registry::Entry& entry, const Target& target) {
  return {.tool = entry.name,
          .effect = entry.tool->effect(),
          .target = target.text,
          .full_target = target.full,
          .place = target.place};
}

/// Whether an error says that the call was wrong, not that something is down.
bool is_the_models(Code code) {
  return code == Code::InvalidInput || code == Code::NotFound || code == Code::TooLarge ||
         code == Code::Denied;
}

Result<Checked> refused(Checked checked, Error error) {
  if (!is_the_models(error.code)) return error;
  checked.kind = error.code == Code::Denied ? Checked::Kind::Denied : Checked::Kind::BadArguments;
  if (error.code == Code::Denied) checked.verdict = {policy::Decision::Deny, "out-of-bounds"};
  checked.problem = std::move(error.message);
  return checked;
}

Job job_for(const Checked& checked, const Situation& situation) {
  const auto is_allowed = [&checked, &situation](const Target& other) {
    const auto verdict =
        policy::decide(situation.rules, action_of(*checked.entry, other), situation.moment);
    return verdict.decision >= checked.verdict.decision;  // what was asked for is not asked again
  };
  return {checked.arguments, checked.target, situation.asker, is_allowed};
}

}  // namespace

policy::Action Checked::action() const {
  return entry ? action_of(*entry, target) : policy::Action{};
}

Result<Checked> Runner::check(const Call& call, const chat::ToolCall& wanted,
                              const Situation& situation) const {
  Checked checked;
  checked.entry = registry_.find(wanted.name);
  if (!checked.entry) {
    checked.problem = "there is no tool \"" + to_utf8(wanted.name.substr(0, 100)) + "\"";
    return checked;
  }
  auto arguments = checked.entry->schema.read(wanted.arguments);
  if (!arguments.ok()) return refused(std::move(checked), std::move(arguments).error());
  checked.arguments = std::move(arguments).value();
  checked.is_malformed = false;
  auto target = checked.entry->tool->target(call, checked.arguments, situation.asker);
  if (!target.ok()) return refused(std::move(checked), std::move(target).error());
  checked.target = std::move(target).value();
  return decide(call, std::move(checked), situation);
}

Result<Checked> Runner::decide(const Call& call, Checked checked,
                               const Situation& situation) const {
  checked.verdict = policy::decide(situation.rules, checked.action(), situation.moment);
  switch (checked.verdict.decision) {
    case policy::Decision::Allow: checked.kind = Checked::Kind::Allowed; return checked;
    case policy::Decision::Deny:
      checked.kind = Checked::Kind::Denied;
      checked.problem = checked.entry->name + " on " + path_text(checked.target.text) +
                        " is denied by the rule \"" + checked.verdict.rule + "\"";
      return checked;
    case policy::Decision::Ask: break;
  }
  // Nobody is asked about what would fail anyhow.
  auto preview = checked.entry->tool->preview(call, job_for(checked, situation));
  if (!preview.ok()) return refused(std::move(checked), std::move(preview).error());
  checked.kind = Checked::Kind::NeedsApproval;
  checked.preview = bounded(std::move(preview).value(), kPreviewBytesMax);
  return checked;
}

Result<Outcome> Runner::run(const Call& call, const Checked& checked, const Situation& situation,
                            Consent consent) const {
  const bool may_run = checked.kind == Checked::Kind::Allowed ||
                       (checked.kind == Checked::Kind::NeedsApproval && consent == Consent::Given);
  if (!may_run || !checked.entry) return Error{Code::Denied, "the call was not allowed"};
  const Call narrowed = call.at_most(kRunMax);
  const Tool& tool = *checked.entry->tool;
  TRY(const Target now, tool.target(narrowed, checked.arguments, situation.asker));
  if (now.text != checked.target.text || now.full != checked.target.full)
    return Error{Code::Denied,
                 "the target changed after it was allowed: now it is " + path_text(now.text)};
  TRY(Outcome outcome, tool.run(narrowed, job_for(checked, situation)));
  outcome.text = bounded(is_utf8(outcome.text) ? std::move(outcome.text) : to_utf8(outcome.text),
                         output_bytes_max_);
  return outcome;
}

}  // namespace hearth::tools
