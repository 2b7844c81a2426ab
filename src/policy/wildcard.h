#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "policy/regex.h"

namespace hearth::policy {

/// A pattern for paths, hosts and the like, whose segments are split at "/":
///   `*`   any characters within a segment, also none
///   `?`   one character, but no "/"
///   `**`  any characters, also "/"; `**` and "/" together also nothing, so `src/**/a.cpp` is
///         `src/a.cpp` too
///   `\`   takes the next character as it is
/// Everything else stands for itself; letters are compared exactly. The time of a match grows with
/// the text's length alone, as Regex's does. Immutable; any thread.
class Wildcard {
 public:
  static constexpr std::size_t kPatternBytesMax = 1'024;

  /// Errors: InvalidInput (`field` is "pattern": too long, too large when compiled, no UTF-8, ends
  /// in a lone `\`).
  static Result<Wildcard> make(std::string_view pattern);

  /// Whether the pattern describes the whole text.
  bool describes(std::string_view text) const { return regex_.describes(text); }

  /// The pattern that describes `text` and nothing else.
  static std::string quoted(std::string_view text);

 private:
  explicit Wildcard(Regex regex) : regex_(std::move(regex)) {}
  Regex regex_;
};

}  // namespace hearth::policy
