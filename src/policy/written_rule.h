#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"
#include "policy/rule.h"

namespace hearth::policy {

/// A rule as a person wrote it, all in words.
struct WrittenRule {
  std::string name{};
  std::string tool = "*";
  std::string kind = "wildcard";  // exact, wildcard, regex
  std::string pattern = "**";
  std::string decision{};  // deny, ask, allow
  std::string expires{};   // "30m", from `now_ms` on; empty: never
};

/// Reads it as one of hearth.toml. `now_ms`: since 1970, UTC. Errors: InvalidInput (names the rule
/// and the field).
Result<Rule> read_rule(const WrittenRule& written, std::int64_t now_ms);

}  // namespace hearth::policy
