#include "policy/wildcard.h"

#include <re2/re2.h>

#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::policy {
namespace {

constexpr std::string_view kFolders = "(?:.*/)?";  // any number of whole segments

/// Takes what stands for many characters from the front of `rest`.
std::string take_stars(std::string_view& rest, bool at_segment_start) {
  std::size_t stars = 0;
  while (stars < rest.size() && rest[stars] == '*') ++stars;
  rest.remove_prefix(stars);
  if (stars == 1) return "[^/]*";
  if (!at_segment_start || !rest.starts_with('/')) return ".*";
  rest.remove_prefix(1);
  return std::string(kFolders);
}

/// The length in bytes of the first character.
std::size_t character_bytes(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && (text[bytes] & 0xC0) == 0x80) ++bytes;
  return bytes;
}

std::string take_literal(std::string_view& rest) {
  const std::size_t bytes = character_bytes(rest);
  const std::string_view character = rest.substr(0, bytes);
  rest.remove_prefix(bytes);
  return re2::RE2::QuoteMeta(re2::StringPiece(character.data(), character.size()));
}

}  // namespace

Result<Wildcard> Wildcard::make(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax)
    return field_error("pattern", "has " + std::to_string(pattern.size()) + " bytes; at most " +
                                      std::to_string(kPatternBytesMax) + " are allowed");
  if (!is_utf8(pattern)) return field_error("pattern", "is not valid UTF-8");
  std::string regex;
  std::string_view rest = pattern;
  bool at_segment_start = true;
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == '*') {
      regex += take_stars(rest, at_segment_start);
      at_segment_start = at_segment_start && regex.ends_with(kFolders);
      continue;
    }
    if (c == '\\' || c == '?') rest.remove_prefix(1);
    if (c == '\\' && rest.empty())
      return field_error("pattern", "ends in \"\\\", which stands before another character");
    at_segment_start = c == '/';
    regex += c == '?' ? "[^/]" : take_literal(rest);
  }
  // A line's end in a name must not get past a rule that denies: dots stand for it too.
  TRY(Regex compiled, Regex::compile(regex, {.dot_is_line_end_too = true}));
  return Wildcard(std::move(compiled));
}

std::string Wildcard::quoted(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace hearth::policy
