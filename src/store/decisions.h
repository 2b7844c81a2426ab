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

/// That something was allowed, asked about or denied, and why.
struct Decision {
  enum class What : std::uint8_t { Allow, Ask, Deny };
  std::int64_t id = 0;  // given by record(); later ones are higher
  std::string owner;
  std::string session_id;
  std::uint32_t turn = 0;
  std::string tool;
  std::string target{};
  What what = What::Deny;
  std::string rule{};           // that decided, by name
  std::int64_t created_ms = 0;  // since 1970, UTC; given by record()
};
const char* decision_name(Decision::What what);

/// The record of all decisions: only added to, and kept when a session goes. Each one carries a
/// hash of itself and of the one before, so that check() notices when a row was changed or taken
/// away. Any thread; the store and the clock must outlive it. Errors besides those named: those of
/// Writer::write and Readers::read.
class Decisions {
 public:
  static constexpr std::size_t kTextBytesMax = 8'192;  // target; what is longer is cut
  static constexpr std::size_t kNameBytesMax = 256;    // tool, rule; what is longer is cut
  static constexpr std::size_t kListMax = 1'000;

  Decisions(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Gives its number. The power may take the last moment; but what comes after it with
  /// Durability::Full, such as an effect, is never there without it.
  Result<std::int64_t> record(const Call& call, const Decision& decision);
  /// The same inside work of the writer's.
  static Result<std::int64_t> record_within(Database& database, const Decision& decision,
                                            std::int64_t now_ms);
  /// Those of an owner, newest first, of one session if it is given, before the row `before` if it
  /// is given; at most `count` (kListMax at most).
  Result<std::vector<Decision>> list(const Call& call, const std::string& owner,
                                     const std::optional<std::string>& session_id = {},
                                     std::size_t count = kListMax,
                                     const std::optional<std::int64_t>& before = {});

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
