#include "policy/scope.h"

#include "base/duration.h"
#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::policy {
namespace {

constexpr Millis kLengthMin{1'000};

std::string rule_name(const std::string& tool, const std::string& pattern) {
  std::string name = "allow " + tool + " " + pattern;
  if (name.size() > Rule::kNameBytesMax) name.resize(Rule::kNameBytesMax);
  name.resize(utf8_complete_bytes(name));
  return name;
}

}  // namespace

Result<Millis> parse_hold(std::string_view text, const std::string& field) {
  auto length = parse_duration(text);
  if (length.ok() && length.value() >= kLengthMin) return length;
  return field_error(field, "a time from 1s to 24h is required, such as 30m");
}

Result<Scope> parse_scope(std::string_view text) {
  if (text == "once") return Scope{};
  if (text == "session") return Scope{.kind = Scope::Kind::Session};
  if (text == "always") return Scope{.kind = Scope::Kind::Always};
  const auto length = parse_hold(text, "scope");
  if (length.ok()) return Scope{.kind = Scope::Kind::For, .length = length.value()};
  return field_error("scope", "once, session, always or a time from 1s to 24h is required");
}

std::string scope_name(const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::Once: return "once";
    case Scope::Kind::Session: return "session";
    case Scope::Kind::Always: return "always";
    case Scope::Kind::For: return std::to_string(scope.length.count()) + "ms";
  }
  return "once";
}

std::string alike_pattern(const Action& action) {
  const std::string& target = action.target;
  if (action.effect == Effect::Runs) {
    const std::size_t space = target.find(' ');
    const std::string first = Wildcard::quoted(target.substr(0, space));
    return space == std::string::npos ? first : first + " **";
  }
  if (action.place != Place::Workspace) return Wildcard::quoted(target);
  const std::size_t slash = target.rfind('/');
  return slash == std::string::npos ? "*" : Wildcard::quoted(target.substr(0, slash + 1)) + "*";
}

std::optional<RuleText> learned_rule(const Scope& scope, Breadth breadth, const Action& action,
                                     const Moment& moment) {
  if (scope.kind == Scope::Kind::Once) return std::nullopt;
  const bool is_exact = breadth == Breadth::This;
  RuleText rule{.tool = action.tool,
                .kind = is_exact ? PatternKind::Exact : PatternKind::Wildcard,
                .pattern = is_exact ? action.target : alike_pattern(action),
                .decision = Decision::Allow,
                .origin = Origin::Learned};
  rule.name = rule_name(rule.tool, rule.pattern);
  if (scope.kind == Scope::Kind::Session) rule.session = moment.session;
  if (scope.kind == Scope::Kind::For) rule.expires_ms = moment.now_ms + scope.length.count();
  return rule;
}

}  // namespace hearth::policy
