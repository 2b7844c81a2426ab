#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// Something that an owner wants to be known later.
struct Memory {
  std::int64_t id = 0;  // never used twice
  std::string owner;
  std::string text;
  std::string kind;             // a word of the caller's own; may be empty
  std::int64_t created_ms = 0;  // since 1970, UTC
  std::int64_t used_ms = 0;     // remembered again, or recalled and shown
};

/// The memories of everybody. Nothing goes unasked: a full memory says so. Any thread; the store
/// and the clock must outlive it. Errors besides those named: those of Writer::write and
/// Readers::read.
class Memories {
 public:
  static constexpr std::size_t kMemoriesMax = 10'000;  // of an owner
  static constexpr std::size_t kTextBytesMax = 4'096;
  static constexpr std::size_t kKindBytesMax = 64;
  static constexpr std::size_t kWordsMax = 64;  // of a question; further ones are not looked for
  static constexpr std::size_t kListMax = 1'000;

  Memories(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// On disk when it returns. A text that the owner has already is not doubled: it counts as used,
  /// and has the new kind. Errors: InvalidInput (`text`: empty or no UTF-8), TooLarge (`text`,
  /// `kind`; `memories`: the owner has kMemoriesMax).
  Result<Memory> remember(const Call& call, const std::string& owner, const std::string& text,
                          const std::string& kind = "");
  /// Those that hold every word, best first; if there are none, those that hold some. At most
  /// `count` (kListMax at most). Words are only words: whatever is typed, this does not fail.
  Result<std::vector<Memory>> recall(const Call& call, const std::string& owner,
                                     const std::string& words, std::size_t count);
  /// Says that these were shown. Numbers that the owner does not have are passed over.
  Result<void> mark_used(const Call& call, const std::string& owner,
                         const std::vector<std::int64_t>& ids);
  /// Last used first, at most `count` (kListMax at most) after leaving out `skip`.
  Result<std::vector<Memory>> list(const Call& call, const std::string& owner,
                                   std::size_t count = kListMax, std::size_t skip = 0);
  /// Errors: NotFound (or another owner's).
  Result<void> forget(const Call& call, const std::string& owner, std::int64_t id);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
