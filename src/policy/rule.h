#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "policy/regex.h"
#include "policy/wildcard.h"

namespace hearth::policy {

/// What may happen; the strictest comes first.
enum class Decision : std::uint8_t { Deny, Ask, Allow };
/// What a tool does to the world: looks, changes what is kept, starts programs, or talks to others.
enum class Effect : std::uint8_t { Reads, Writes, Runs, Sends };
/// Where it does so.
enum class Place : std::uint8_t {
  Workspace,  // below the folders that the person opened to tools
  Memory,     // what Hearth keeps for its owner: memories, the time of day
  Elsewhere,  // everything else: other hosts, commands
};
enum class PatternKind : std::uint8_t { Exact, Wildcard, Regex };
/// Who made a rule.
enum class Origin : std::uint8_t { BuiltIn, Configured, Learned };

/// "deny", "ask", "allow"; and back. Errors: InvalidInput (names the choices).
const char* decision_name(Decision decision);
Result<Decision> parse_decision(std::string_view name);
/// "reads", "writes", "runs", "sends".
const char* effect_name(Effect effect);
/// "exact", "wildcard", "regex"; and back. Errors: InvalidInput (names the choices).
const char* pattern_kind_name(PatternKind kind);
Result<PatternKind> parse_pattern_kind(std::string_view name);

/// One thing that a tool is about to do. `target` is what the tool made of its arguments, with no
/// second spelling: no "..", no symlink on the way.
struct Action {
  std::string tool{};
  Effect effect = Effect::Reads;
  std::string target{};       // path, host or command
  std::string full_target{};  // a path from the root of the file system; empty: there is none
  Place place = Place::Elsewhere;
};

/// A rule as it is written and kept.
struct RuleText {
  std::string name{};
  std::string tool = "*";  // exact, or "*" for all
  PatternKind kind = PatternKind::Wildcard;
  std::string pattern = "**";
  Decision decision = Decision::Ask;
  std::optional<std::int64_t> expires_ms{};  // since 1970, UTC: no longer in force from then on
  std::optional<std::string> session{};      // absent: in force in all
  Origin origin = Origin::Configured;
};

/// A rule whose pattern was read. Immutable; any thread.
class Rule {
 public:
  static constexpr std::size_t kNameBytesMax = 128;
  static constexpr std::size_t kToolBytesMax = 64;
  static constexpr std::size_t kPatternBytesMax = 4'096;  // of Exact; others have lower limits

  /// Errors: InvalidInput (names the rule, the field, and where a pattern is wrong).
  static Result<Rule> make(RuleText text);

  const RuleText& text() const { return text_; }

  /// Whether the rule speaks of this action. Its pattern must describe the whole target or the
  /// whole full target. A command that contains an operator of the shell (any of ; | & < > $ ` ( )
  /// or a line's end) is several commands, so `git *` is no answer to it: a rule that allows speaks
  /// of such a command only if it is Exact. Rules that ask or deny speak of it as of any other.
  bool speaks_of(const Action& action) const;
  /// Whether it is in force at a time (ms since 1970) in a session.
  bool is_in_force(std::int64_t now_ms, std::string_view session) const;

 private:
  using Pattern = std::variant<std::string, Wildcard, Regex>;
  Rule(RuleText text, Pattern pattern) : text_(std::move(text)), pattern_(std::move(pattern)) {}
  bool describes(std::string_view target) const;

  RuleText text_;
  Pattern pattern_;
};

}  // namespace hearth::policy
