#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::store {

/// A copy that was kept before the file was brought to a newer schema.
struct Copy {
  std::string path;
  std::int64_t schema = 0;  // that it has
  std::chrono::system_clock::time_point made{};
};

/// What was found out about a file of the store.
struct Checked {
  std::int64_t schema = 0;
  std::uint64_t size_bytes = 0;
  std::vector<std::string> faults{};  // in SQLite's words; empty: none
  /// Where the record of decisions is not what was written: "decision 17 is not what was recorded".
  std::vector<std::string> altered{};
};

/// Reads the whole file and says what is wrong with it: its pages, its indexes, rows that point at
/// nothing, decisions that were changed. Changes nothing, and may run beside a daemon. Blocks as
/// long as reading the file takes. At most kFaultsMax of each are listed. Errors: NotFound (there
/// is none), Corrupt (it is no SQLite file, or too damaged to be asked), InvalidInput (a newer
/// Hearth wrote it), Unavailable, Busy.
Result<Checked> check(const std::string& path);
inline constexpr std::size_t kFaultsMax = 20;

/// The copies beside a file, newest schema first.
std::vector<Copy> copies_of(const std::string& path);

/// What to do about a damaged file, as commands that a person can type: from the newest of
/// `copies`, or from what can still be read of the file.
std::string how_to_restore(const std::string& path, const std::vector<Copy>& copies);

}  // namespace hearth::store
