#include "app/rules.h"

#include "policy/written_rule.h"

namespace hearth::app {

Result<policy::Rule> read_rule(const config::Config::Rule& rule, std::int64_t now_ms) {
  auto read = policy::read_rule({.name = rule.name,
                                 .tool = rule.tool,
                                 .kind = rule.kind,
                                 .pattern = rule.pattern,
                                 .decision = rule.decision,
                                 .expires = rule.expires},
                                now_ms);
  if (read.ok() || rule.origin.empty()) return read;
  Error error = std::move(read).error();
  error.message = rule.origin + ": policy.rule: " + error.message;
  return error;
}

Result<std::vector<policy::Rule>> read_rules(const config::Config& config, std::int64_t now_ms) {
  std::vector<policy::Rule> rules;
  for (const config::Config::Rule& rule : config.policy.rules) {
    TRY(auto read, read_rule(rule, now_ms));
    rules.push_back(std::move(read));
  }
  return rules;
}

}  // namespace hearth::app
