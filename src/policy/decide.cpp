#include "policy/decide.h"

#include <optional>
#include <string_view>

namespace hearth::policy {
namespace {

struct BuiltIn {
  const char* name;
  std::string_view tool;  // empty: all
  Effect effect;
  std::optional<Place> place;  // absent: everywhere
  Decision decision;
};

// The first that speaks wins: they are ours, and are written to be read in order.
constexpr BuiltIn kBuiltIn[] = {
    {"default-read", "", Effect::Reads, Place::Workspace, Decision::Allow},
    {"default-recall", "", Effect::Reads, Place::Memory, Decision::Allow},
    {"default-write", "", Effect::Writes, Place::Workspace, Decision::Ask},
    // Asking here would ask for each fact that a person tells; it is bounded and can be forgotten.
    {"default-remember", "remember", Effect::Writes, Place::Memory, Decision::Allow},
    {"default-forget", "", Effect::Writes, Place::Memory, Decision::Ask},
    {"default-run", "", Effect::Runs, std::nullopt, Decision::Ask},
    {"default-send", "", Effect::Sends, std::nullopt, Decision::Ask},
};

bool speaks_of(const BuiltIn& rule, const Action& action) {
  return rule.effect == action.effect && (rule.tool.empty() || rule.tool == action.tool) &&
         (!rule.place || *rule.place == action.place);
}

Verdict by_default(const Action& action) {
  for (const BuiltIn& rule : kBuiltIn)
    if (speaks_of(rule, action)) return {rule.decision, rule.name, rule.decision == Decision::Ask};
  return {Decision::Deny, "no-rule"};
}

}  // namespace

Verdict decide(std::span<const Rule> rules, const Action& action, const Moment& moment) {
  if (moment.plan_mode && action.effect != Effect::Reads) return {Decision::Deny, "plan-mode"};
  const RuleText* strictest = nullptr;
  for (const Rule& rule : rules) {
    if (!rule.is_in_force(moment.now_ms, moment.session) || !rule.speaks_of(action)) continue;
    if (!strictest || rule.text().decision < strictest->decision) strictest = &rule.text();
  }
  if (!strictest) return by_default(action);
  return {strictest->decision, strictest->name};
}

}  // namespace hearth::policy
