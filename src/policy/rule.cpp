#include "policy/rule.h"

#include <array>

#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::policy {
namespace {

constexpr std::array<const char*, 3> kDecisions = {"deny", "ask", "allow"};
constexpr std::array<const char*, 4> kEffects = {"reads", "writes", "runs", "sends"};
constexpr std::array<const char*, 3> kPatternKinds = {"exact", "wildcard", "regex"};
constexpr std::string_view kShellOperators = ";|&<>$`()\n\r";

template <class Choice, std::size_t kCount>
Result<Choice> parse_choice(const std::array<const char*, kCount>& names, std::string_view name,
                            const char* field) {
  std::string known;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (name == names[i]) return static_cast<Choice>(i);
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  return field_error(field, "is not one of " + known);
}

Result<void> check_text(const char* field, const std::string& text, std::size_t bytes_max) {
  if (text.empty()) return field_error(field, "must not be empty");
  if (text.size() > bytes_max)
    return field_error(field, "has " + std::to_string(text.size()) + " bytes; at most " +
                                  std::to_string(bytes_max) + " are allowed");
  return is_utf8(text) ? ok() : Result<void>(field_error(field, "is not valid UTF-8"));
}

Result<std::variant<std::string, Wildcard, Regex>> read_pattern(const RuleText& text) {
  using Pattern = std::variant<std::string, Wildcard, Regex>;
  TRY_VOID(check_text("pattern", text.pattern, Rule::kPatternBytesMax));
  if (text.kind == PatternKind::Exact) return Pattern(text.pattern);
  if (text.kind == PatternKind::Wildcard) {
    TRY(Wildcard wildcard, Wildcard::make(text.pattern));
    return Pattern(std::move(wildcard));
  }
  TRY(Regex regex, Regex::make(text.pattern));
  return Pattern(std::move(regex));
}

Error named(const std::string& rule, Error error) {
  error.message = "rule \"" + to_utf8(rule.substr(0, Rule::kNameBytesMax)) + "\": " + error.message;
  return error;
}

bool is_several_commands(const Action& action) {
  return action.effect == Effect::Runs &&
         action.target.find_first_of(kShellOperators) != std::string::npos;
}

}  // namespace

const char* decision_name(Decision decision) {
  return kDecisions.at(static_cast<std::size_t>(decision));
}
const char* effect_name(Effect effect) { return kEffects.at(static_cast<std::size_t>(effect)); }
const char* pattern_kind_name(PatternKind kind) {
  return kPatternKinds.at(static_cast<std::size_t>(kind));
}
Result<Decision> parse_decision(std::string_view name) {
  return parse_choice<Decision>(kDecisions, name, "decision");
}
Result<PatternKind> parse_pattern_kind(std::string_view name) {
  return parse_choice<PatternKind>(kPatternKinds, name, "kind");
}

Result<Rule> Rule::make(RuleText text) {
  auto fine = check_text("name", text.name, kNameBytesMax);
  if (fine.ok()) fine = check_text("tool", text.tool, kToolBytesMax);
  if (!fine.ok()) return named(text.name, std::move(fine).error());
  auto pattern = read_pattern(text);
  if (!pattern.ok()) return named(text.name, std::move(pattern).error());
  return Rule(std::move(text), std::move(pattern).value());
}

bool Rule::describes(std::string_view target) const {
  if (const auto* const exact = std::get_if<std::string>(&pattern_)) return target == *exact;
  if (const auto* const regex = std::get_if<Regex>(&pattern_)) return regex->describes(target);
  return std::get<Wildcard>(pattern_).describes(target);
}

bool Rule::speaks_of(const Action& action) const {
  if (text_.tool != "*" && text_.tool != action.tool) return false;
  const bool is_exact = text_.kind == PatternKind::Exact;
  if (text_.decision == Decision::Allow && !is_exact && is_several_commands(action)) return false;
  return describes(action.target) || (!action.full_target.empty() && describes(action.full_target));
}

bool Rule::is_in_force(std::int64_t now_ms, std::string_view session) const {
  if (text_.expires_ms && now_ms >= *text_.expires_ms) return false;
  return !text_.session || *text_.session == session;
}

}  // namespace hearth::policy
