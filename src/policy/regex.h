#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace hearth::policy {

/// A regular expression that cannot be made slow: its time grows with the text's length alone and
/// its memory is bounded, whoever wrote the pattern and the text. Syntax: RE2's (no look-ahead, no
/// back references). Text that is no UTF-8 is read as if each broken byte were U+FFFD. Immutable;
/// any thread. Source: github.com/google/re2/wiki/Syntax
class Regex {
 public:
  static constexpr std::size_t kPatternBytesMax = 1'024;
  static constexpr std::int64_t kProgramBytesMax = 1024 * 1024;  // compiled

  struct Options {
    bool ignores_case = false;
    bool dot_is_line_end_too = true;
  };

  /// Errors: InvalidInput (`field` is "pattern"; names what is wrong and at which byte, or the
  /// limit: too long, or too large when compiled).
  static Result<Regex> make(std::string_view pattern, Options options);
  static Result<Regex> make(std::string_view pattern) { return make(pattern, Options()); }

  /// Whether the pattern describes the whole text.
  bool describes(std::string_view text) const;
  /// Whether the pattern is found somewhere in the text.
  bool is_found_in(std::string_view text) const;

  const std::string& pattern() const;

 private:
  friend class Wildcard;  // writes longer patterns than people may
  static Result<Regex> compile(std::string_view pattern, Options options);
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;  // immutable; shared by copies
};

}  // namespace hearth::policy
