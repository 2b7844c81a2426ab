#include "policy/written_rule.h"

#include "base/duration.h"
#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::policy {
namespace {

Result<RuleText> read_text(const WrittenRule& written, std::int64_t now_ms) {
  RuleText text{.name = written.name, .tool = written.tool, .pattern = written.pattern};
  TRY(text.kind, parse_pattern_kind(written.kind));
  TRY(text.decision, parse_decision(written.decision));
  if (written.expires.empty()) return text;
  const auto length = parse_duration(written.expires);
  if (!length.ok()) return field_error("expires", to_utf8(length.error().message));
  text.expires_ms = now_ms + length.value().count();
  return text;
}

}  // namespace

Result<Rule> read_rule(const WrittenRule& written, std::int64_t now_ms) {
  auto text = read_text(written, now_ms);
  if (text.ok()) return Rule::make(std::move(text).value());
  Error error = std::move(text).error();
  error.message =
      "rule \"" + to_utf8(written.name.substr(0, Rule::kNameBytesMax)) + "\": " + error.message;
  return error;
}

}  // namespace hearth::policy
