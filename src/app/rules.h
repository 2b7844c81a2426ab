#pragma once
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "policy/rule.h"

namespace hearth::app {

/// A [[policy.rule]], as policy takes it. `now_ms`: since 1970, UTC. Errors: InvalidInput (names
/// the rule's place, its name, the field, and what is wrong with a pattern).
Result<policy::Rule> read_rule(const config::Config::Rule& rule, std::int64_t now_ms);

/// All of them. Errors: that of the first that cannot be used.
Result<std::vector<policy::Rule>> read_rules(const config::Config& config, std::int64_t now_ms);

}  // namespace hearth::app
