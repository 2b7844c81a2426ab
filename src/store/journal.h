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

/// A text that many rows have in common, such as instructions; kept once.
struct JournalText {
  std::string digest;  // the caller's own, as below: the same for the same text
  std::string text;
};

/// One call of the model, with what it takes to make it again and compare.
struct JournalRow {
  std::string session_id;
  std::uint32_t turn = 0;
  std::uint32_t round = 0;    // of the turn: 0, 1, 2, …
  std::string inputs_digest;  // the caller's own, as are the next two
  std::string details;        // JSON: sampling, seed, fingerprints, build
  std::string answer_digest;
  std::int64_t created_ms = 0;  // since 1970, UTC; given by add()
};

/// What the model was asked, call by call, for replay. Kept, not interpreted. Any thread; the store
/// and the clock must outlive it. Errors besides those named: those of Writer::write and
/// Readers::read.
class Journal {
 public:
  static constexpr std::size_t kDetailsBytesMax = std::size_t{8} << 20;
  static constexpr std::size_t kDigestBytesMax = 128;
  static constexpr std::size_t kTextBytesMax = std::size_t{8} << 20;
  static constexpr std::size_t kRoundsMax = 1'000;  // that list() gives

  Journal(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// The power may take the last moment: a turn that was cut off is done again, and the round of
  /// then is replaced. `texts`: those that its details name. Errors: NotFound (no such session),
  /// TooLarge (a bound above, with its field).
  Result<void> add(const Call& call, const JournalRow& row,
                   const std::vector<JournalText>& texts = {});
  /// The rounds of a turn, in order.
  Result<std::vector<JournalRow>> list(const Call& call, const std::string& session_id,
                                       std::uint32_t turn);
  /// Absent once no row that was kept names it any more.
  Result<std::optional<std::string>> text(const Call& call, const std::string& digest);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
