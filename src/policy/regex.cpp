#include "policy/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::policy {
namespace {

re2::RE2::Options re2_options(Regex::Options options) {
  re2::RE2::Options chosen;
  chosen.set_log_errors(false);
  chosen.set_dot_nl(options.dot_is_line_end_too);
  chosen.set_max_mem(Regex::kProgramBytesMax);
  chosen.set_case_sensitive(!options.ignores_case);
  return chosen;
}

/// RE2 names the part that is wrong, not its place.
std::string place_of(std::string_view part, std::string_view pattern) {
  const std::size_t at =
      part.empty() ? pattern.size() : std::min(pattern.find(part), pattern.size());
  return " at byte " + std::to_string(at);
}

Error broken(const re2::RE2& compiled, std::string_view pattern) {
  if (compiled.error_code() == re2::RE2::ErrorPatternTooLarge)
    return field_error("pattern", "is larger than " + std::to_string(Regex::kProgramBytesMax) +
                                      " bytes when compiled");
  return field_error("pattern", "is no regular expression: " + to_utf8(compiled.error()) +
                                    place_of(compiled.error_arg(), pattern));
}

/// The text itself if it is UTF-8, else a copy that is.
class Readable {
 public:
  explicit Readable(std::string_view text) : text_(text) {
    if (!is_utf8(text)) copy_ = to_utf8(text);
  }
  re2::StringPiece piece() const {
    return copy_ ? re2::StringPiece(*copy_) : re2::StringPiece(text_.data(), text_.size());
  }

 private:
  std::string_view text_;
  std::optional<std::string> copy_{};
};

}  // namespace

Result<Regex> Regex::make(std::string_view pattern, Options options) {
  if (pattern.size() > kPatternBytesMax)
    return field_error("pattern", "has " + std::to_string(pattern.size()) + " bytes; at most " +
                                      std::to_string(kPatternBytesMax) + " are allowed");
  return compile(pattern, options);
}

Result<Regex> Regex::compile(std::string_view pattern, Options options) {
  auto compiled = std::make_shared<const re2::RE2>(std::string(pattern), re2_options(options));
  if (!compiled->ok()) return broken(*compiled, pattern);
  return Regex(std::move(compiled));
}

bool Regex::describes(std::string_view text) const {
  return re2::RE2::FullMatch(Readable(text).piece(), *compiled_);
}

bool Regex::is_found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(Readable(text).piece(), *compiled_);
}

const std::string& Regex::pattern() const { return compiled_->pattern(); }

}  // namespace hearth::policy
