#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "policy/rule.h"

namespace hearth::policy {

/// When and where a decision is asked for.
struct Moment {
  std::int64_t now_ms = 0;  // since 1970, UTC
  std::string session{};
  bool plan_mode = false;  // look, but change nothing
};

/// What was decided, and by which rule; both are recorded.
struct Verdict {
  Decision decision = Decision::Deny;
  std::string rule{};
  /// Whether a learned rule that allows would be an answer: true if a built-in rule asks. What
  /// hearth.toml asks for is asked each time.
  bool may_be_learned = false;
};

/// Decides one action. Pure: no clock, no files, no log, so every case fits in a table. In this
/// order:
///   1. In plan mode all that does not read is denied ("plan-mode").
///   2. Of the rules in force that speak of the action, from hearth.toml or learned, the strictest
///      wins (deny, ask, allow), wherever it stands and whoever made it. Of equally strict ones the
///      first in `rules` gives its name. So what hearth.toml denies or asks for, no learned rule
///      lifts; what it allows, a learned rule may deny.
///   3. If there is none, the built-in rules speak, which `rules` need not hold:
///        default-read      reads in the workspace                  allow
///        default-recall    reads of Hearth's own memory            allow
///        default-write     writes in the workspace                 ask
///        default-remember  the tool remember                       allow
///        default-forget    other writes to Hearth's own memory     ask
///        default-run       runs                                    ask
///        default-send      sends                                   ask
///   4. Nothing speaks of it: denied ("no-rule").
/// So a learned rule that allows is an answer to what a built-in rule asks, and to nothing else.
Verdict decide(std::span<const Rule> rules, const Action& action, const Moment& moment);

}  // namespace hearth::policy
