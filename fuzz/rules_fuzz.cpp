// Any bytes as a rule and a target: an answer or an error, soon; what a learned rule was made for,
// it answers. Parts are split at zero bytes: kind and decision, tool, pattern, expires, target.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policy/scope.h"
#include "policy/written_rule.h"

namespace {

using namespace hearth::policy;

std::string take(std::string_view& rest) {
  const std::size_t zero = rest.find('\0');
  const std::string part(rest.substr(0, zero));
  rest.remove_prefix(zero == std::string_view::npos ? rest.size() : zero + 1);
  return part;
}

void check_learned(const Action& action, const Moment& moment) {
  for (const Breadth breadth : {Breadth::This, Breadth::Alike}) {
    const auto text = learned_rule({.kind = Scope::Kind::Session}, breadth, action, moment);
    if (!text) std::abort();
    const auto rule = Rule::make(*text);
    if (!rule.ok()) continue;  // too long, or no UTF-8
    const bool several = action.effect == Effect::Runs && breadth == Breadth::Alike;
    if (!rule.value().speaks_of(action) && !several) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  WrittenRule written{.name = "fuzz"};
  written.kind = pattern_kind_name(static_cast<PatternKind>(data[0] % 3));
  written.decision = decision_name(static_cast<Decision>(data[0] / 3 % 3));
  written.tool = take(rest);
  written.pattern = take(rest);
  written.expires = take(rest);
  Action action{.tool = "tool"};
  action.effect = static_cast<Effect>(data[1] % 4);
  action.place = static_cast<Place>(data[1] / 4 % 3);
  action.target = take(rest);
  const Moment moment{.now_ms = 1, .session = "sess_a"};
  const auto rule = read_rule(written, 0);
  if (!rule.ok() && rule.error().message.empty()) std::abort();
  if (rule.ok()) {
    const Verdict verdict = decide({&rule.value(), 1}, action, moment);
    if (verdict.rule.empty()) std::abort();
    // Nothing may be milder than a rule that speaks.
    if (rule.value().is_in_force(1, "sess_a") && rule.value().speaks_of(action) &&
        verdict.decision != rule.value().text().decision)
      std::abort();
  }
  if (!action.target.empty()) check_learned(action, moment);
  return 0;
}
