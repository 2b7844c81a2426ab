#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// Something that an owner taught by allowing or denying. Kept, not interpreted: what a pattern
/// means is the policy's.
struct Rule {
  enum class Kind : std::uint8_t { Exact, Wildcard, Regex };
  enum class Decision : std::uint8_t { Allow, Deny };
  std::int64_t id = 0;  // given by add(); never used twice
  std::string owner;
  std::string tool;
  Kind kind = Kind::Exact;
  std::string pattern;  // of targets
  Decision decision = Decision::Allow;
  std::optional<std::string> session_id{};   // only there; absent: always
  std::optional<std::int64_t> expires_ms{};  // since 1970, UTC; absent: never
  std::int64_t created_ms = 0;               // given by add()
};
const char* rule_kind_name(Rule::Kind kind);
const char* rule_decision_name(Rule::Decision decision);

/// The learned rules of everybody. Any thread; the store and the clock must outlive it. Errors
/// besides those named: those of Writer::write and Readers::read.
class Rules {
 public:
  static constexpr std::size_t kRulesMax = 1'000;  // of an owner
  static constexpr std::size_t kPatternBytesMax = 4'096;
  static constexpr std::size_t kToolBytesMax = 256;

  Rules(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Gives its number. The same rule again is not doubled, it only expires as the new one says.
  /// Errors: InvalidInput (`tool` or `pattern`: empty or no UTF-8; `expires`: is over), NotFound
  /// (no such session of this owner), TooLarge (a bound above).
  Result<std::int64_t> add(const Call& call, const Rule& rule);
  /// The same inside work of the writer's, with the decision that it comes from.
  static Result<std::int64_t> add_within(Database& database, const Rule& rule, std::int64_t now_ms);
  /// Those of an owner that hold everywhere and, if it is given, in the session; without expired
  /// ones, oldest first.
  Result<std::vector<Rule>> list(const Call& call, const std::string& owner,
                                 const std::optional<std::string>& session_id = {});
  /// Errors: NotFound (or another owner's).
  Result<void> remove(const Call& call, const std::string& owner, std::int64_t id);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
