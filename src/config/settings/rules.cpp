#include <algorithm>

#include "base/duration.h"
#include "base/utf8.h"
#include "config/settings/sources.h"

namespace hearth::config {
namespace {

constexpr std::size_t kRulesMax = 1'024;
constexpr std::size_t kNameBytesMax = 128, kToolBytesMax = 64, kPatternBytesMax = 4'096;

struct RuleSetting {
  const char* name;
  std::string Config::Rule::*target;
  std::size_t bytes_max;
  std::vector<std::string> choices;  // empty: any text
};

const std::vector<RuleSetting>& rule_settings() {
  static const std::vector<RuleSetting> kAll = {
      {"name", &Config::Rule::name, kNameBytesMax, {}},
      {"tool", &Config::Rule::tool, kToolBytesMax, {}},
      {"kind", &Config::Rule::kind, 16, {"exact", "wildcard", "regex"}},
      {"pattern", &Config::Rule::pattern, kPatternBytesMax, {}},
      {"decision", &Config::Rule::decision, 16, {"deny", "ask", "allow"}},
      {"expires", &Config::Rule::expires, 32, {}}};
  return kAll;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// What is wrong with a value; empty when nothing is.
std::string problem_of(const RuleSetting& setting, const Raw& value) {
  const auto* const text = std::get_if<std::string>(&value);
  if (!text || text->empty()) return "a string is required";
  if (!is_utf8(*text)) return "not valid UTF-8";
  if (std::any_of(text->begin(), text->end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    return "control characters are not allowed";
  const auto& choices = setting.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), *text) == choices.end())
    return "'" + *text + "' is not one of " + joined(choices);
  if (text->size() > setting.bytes_max)
    return "has " + std::to_string(text->size()) + " bytes; allowed are 1 to " +
           std::to_string(setting.bytes_max);
  if (setting.target != &Config::Rule::expires) return {};
  const auto length = parse_duration(*text);
  return length.ok() ? "" : length.error().message;
}

Error unknown_key(const RuleKey& key) {
  std::vector<std::string> known;
  for (const RuleSetting& setting : rule_settings()) known.emplace_back(setting.name);
  const std::string near = nearest(key.name, known);
  const std::string name = "policy.rule." + key.name;
  return {Code::InvalidInput,
          key.origin + ": unknown key '" + name + "'" +
              (near.empty() ? "" : "; did you mean 'policy.rule." + near + "'?"),
          name};
}

}  // namespace

Result<void> add_rule(const std::vector<RuleKey>& keys, const std::string& origin,
                      const std::string& name, Config& config) {
  if (config.policy.rules.size() == kRulesMax)
    return setting_error("policy.rule", "at most " + std::to_string(kRulesMax) + " are allowed",
                         origin);
  Config::Rule rule{.name = name, .origin = origin};
  for (const RuleKey& key : keys) {
    const auto& all = rule_settings();
    const auto setting = std::find_if(all.begin(), all.end(),
                                      [&](const RuleSetting& one) { return one.name == key.name; });
    if (setting == all.end()) return unknown_key(key);
    const std::string problem = problem_of(*setting, key.value);
    if (!problem.empty()) return setting_error("policy.rule." + key.name, problem, key.origin);
    rule.*(setting->target) = std::get<std::string>(key.value);
  }
  for (const char* needed : {"tool", "pattern", "decision"}) {
    const bool is_there = std::any_of(keys.begin(), keys.end(),
                                      [&](const RuleKey& key) { return key.name == needed; });
    if (!is_there)
      return setting_error(std::string("policy.rule.") + needed, "is required", origin);
  }
  if (rule.name.size() > kNameBytesMax)
    rule.name.resize(utf8_complete_bytes(rule.name.substr(0, kNameBytesMax)));
  config.policy.rules.push_back(std::move(rule));
  return ok();
}

}  // namespace hearth::config
