#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/call.h"
#include "base/result.h"
#include "policy/decide.h"
#include "policy/rule.h"

namespace hearth::policy {

/// How long a person's yes holds.
struct Scope {
  enum class Kind : std::uint8_t { Once, Session, Always, For };
  Kind kind = Kind::Once;
  Millis length{};  // For only
};

/// Reads how long an answer holds, such as "30m". Errors: InvalidInput (with `field`; names the
/// shortest and the longest, 1s and 24h).
Result<Millis> parse_hold(std::string_view text, const std::string& field);

/// Reads "once", "session", "always", or a duration such as "30m" (1s to 24h). Errors: InvalidInput
/// (`field` is "scope"; names what is allowed).
Result<Scope> parse_scope(std::string_view text);
/// "once", "session", "always", "1800000ms".
std::string scope_name(const Scope& scope);

/// What a person's yes is about.
enum class Breadth : std::uint8_t {
  This,   // the very same target
  Alike,  // see alike_pattern()
};

/// A wildcard for what is like an action's target: of a path, all in its folder, but not below it
/// (`src/*`); of a command, its first word with any arguments (`git **`, which is no answer to what
/// holds a shell operator: see Rule::speaks_of); else the target alone.
std::string alike_pattern(const Action& action);

/// The rule that makes a yes hold for later actions; nothing for Once. It names the tool, so that a
/// yes to one is none to another. To be kept if and only if Verdict::may_be_learned, else it would
/// be no answer. Its name tells tool and pattern: "allow write_file src/*".
std::optional<RuleText> learned_rule(const Scope& scope, Breadth breadth, const Action& action,
                                     const Moment& moment);

}  // namespace hearth::policy
