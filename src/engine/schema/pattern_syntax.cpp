#include "engine/schema/pattern_syntax.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/utf8.h"
#include "engine/schema/text_pattern.h"

namespace hearth::engine {
namespace {

using Ranges = std::vector<CharacterRange>;
constexpr std::size_t kRepeatMax = 1'000;  // RE2's own

Ranges sorted(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges out;
  for (const CharacterRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

Ranges all_but(const Ranges& ranges) {
  Ranges out;
  std::uint32_t from = 0;
  for (const CharacterRange& range : sorted(ranges)) {
    if (from < range.first) out.push_back({from, range.first - 1});
    from = range.last + 1;
  }
  if (from <= kCharacterLast) out.push_back({from, kCharacterLast});
  return out;
}

/// \d, \w, \s and their opposites.
std::optional<Ranges> named_class(std::uint32_t letter) {
  const Ranges digits{{'0', '9'}};
  const Ranges words{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  const Ranges spaces{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
  switch (letter) {
    case 'd': return digits;
    case 'D': return all_but(digits);
    case 'w': return words;
    case 'W': return all_but(words);
    case 's': return spaces;
    case 'S': return all_but(spaces);
    default: return std::nullopt;
  }
}

/// Recursive descent. What cannot be expressed is noted and ends it.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : text_(characters_of(pattern)) {}

  Result<std::optional<Piece>> read() {
    TRY(Piece whole, read_choice(0));
    if (is_beyond_) return std::optional<Piece>();
    if (!done()) return wrong("a ) without its (");
    return std::optional(std::move(whole));
  }

 private:
  static Error wrong(const std::string& problem) {
    return {Code::InvalidInput, "is no regular expression: " + problem};
  }
  bool done() const { return is_beyond_ || at_ >= text_.size(); }
  std::uint32_t peek(std::size_t ahead = 0) const {
    return !is_beyond_ && at_ + ahead < text_.size() ? text_[at_ + ahead] : 0;
  }
  bool take(std::uint32_t character) {
    const bool is_there = !done() && peek() == character;
    at_ += is_there ? 1 : 0;
    return is_there;
  }
  Piece beyond() {
    is_beyond_ = true;
    return {};
  }

  Result<Piece> read_choice(int depth) {
    if (depth > kPatternDepthMax) return beyond();
    Piece choice{.kind = Piece::Kind::Choice};
    do {
      TRY(Piece part, read_sequence(depth));
      choice.parts.push_back(std::move(part));
    } while (take('|'));
    if (choice.parts.size() == 1) {
      Piece only = std::move(choice.parts.front());
      return only;
    }
    return choice;
  }

  Result<Piece> read_sequence(int depth) {
    Piece sequence;
    while (!done() && peek() != '|' && peek() != ')') {
      TRY(Piece part, read_part(depth));
      TRY(part, with_repeats(std::move(part)));
      sequence.parts.push_back(std::move(part));
    }
    return sequence;
  }

  Result<Piece> read_part(int depth) {
    const std::uint32_t character = text_[at_++];
    switch (character) {
      case '(': return read_group(depth);
      case '[': return read_class();
      case '.': return one_of(all_but({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
      case '^': return Piece{.kind = Piece::Kind::Begin};
      case '$': return Piece{.kind = Piece::Kind::End};
      case '\\': return read_escape();
      case '*':
      case '+':
      case '?': return wrong("nothing to repeat");
      default: return one_of({{character, character}});
    }
  }

  static Piece one_of(Ranges ranges) {
    return {.kind = Piece::Kind::Characters, .characters = sorted(std::move(ranges))};
  }

  Result<Piece> read_group(int depth) {
    if (take('?')) {
      const bool is_named = peek() == '<' || (peek() == 'P' && peek(1) == '<');
      const bool looks_back = peek() == '<' && (peek(1) == '=' || peek(1) == '!');
      if (is_named && !looks_back) {
        while (!done() && !take('>')) ++at_;
      } else if (!take(':')) {
        return beyond();
      }
    }
    TRY(Piece inside, read_choice(depth + 1));
    if (!is_beyond_ && !take(')')) return wrong("a ( without its )");
    return inside;
  }

  Result<Piece> with_repeats(Piece part) {
    while (!done()) {
      std::size_t least = 0;
      std::optional<std::size_t> most;
      if (take('+')) {
        least = 1;
      } else if (take('?')) {
        most = 1;
      } else if (!take('*') && !read_counts(least, most)) {
        break;
      }
      if (least > kRepeatMax || most.value_or(0) > kRepeatMax) return beyond();
      if (most && *most < least) return wrong("a repetition whose most is below its least");
      take('?');  // lazy: the same texts
      Piece repeat{.kind = Piece::Kind::Repeat, .least = least, .most = most};
      repeat.parts.push_back(std::move(part));
      part = std::move(repeat);
    }
    return part;
  }

  /// {2}, {2,} or {2,5}; anything else is the character {.
  bool read_counts(std::size_t& least, std::optional<std::size_t>& most) {
    if (peek() != '{') return false;
    std::size_t at = at_ + 1;
    const auto number = [&]() -> std::optional<std::size_t> {
      std::optional<std::size_t> value;
      for (int digits = 0; at < text_.size() && text_[at] >= '0' && text_[at] <= '9'; ++at)
        value = digits++ < 6 ? value.value_or(0) * 10 + (text_[at] - '0') : value;
      return value;
    };
    const auto first = number();
    if (!first) return false;
    std::optional<std::size_t> last = first;
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      last = number();
    }
    if (at >= text_.size() || text_[at] != '}') return false;
    at_ = at + 1;
    least = *first;
    most = last;
    return true;
  }

  Result<Piece> read_escape() {
    if (done()) return wrong("a \\ at the end");
    if (auto named = named_class(peek())) {
      ++at_;
      return one_of(*std::move(named));
    }
    if (take('A')) return Piece{.kind = Piece::Kind::Begin};
    if (take('z')) return Piece{.kind = Piece::Kind::End};
    const auto character = read_character();
    if (!character) return beyond();
    return one_of({{*character, *character}});
  }

  /// Behind a backslash: one character. Nothing: an escape that stands for something else.
  std::optional<std::uint32_t> read_character() {
    const std::uint32_t letter = text_[at_++];
    switch (letter) {
      case 't': return '\t';
      case 'n': return '\n';
      case 'r': return '\r';
      case 'f': return '\f';
      case 'v': return '\v';
      case 'a': return '\a';
      case 'x': return peek() == '{' ? read_hex_in_braces() : read_hex(2);
      case 'u': return read_hex(4);
      default: break;
    }
    const bool is_plain = letter < 0x80 && std::isalnum(static_cast<int>(letter)) == 0;
    return is_plain ? std::optional(letter) : std::nullopt;
  }

  std::optional<std::uint32_t> read_hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const std::uint32_t c = peek();
      if (c >= 0x80 || std::isxdigit(static_cast<int>(c)) == 0) return std::nullopt;
      value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20u) - 'a' + 10);
    }
    return value <= kCharacterLast ? std::optional(value) : std::nullopt;
  }

  std::optional<std::uint32_t> read_hex_in_braces() {
    ++at_;
    std::size_t digits = 0;
    while (peek(digits) != '}' && digits < 8 && at_ + digits < text_.size()) ++digits;
    const auto value = digits > 0 && digits < 8 ? read_hex(digits) : std::nullopt;
    return value && take('}') ? value : std::nullopt;
  }

  Result<Piece> read_class() {
    const bool is_negated = take('^');
    Ranges ranges;
    for (bool first = true; first || peek() != ']'; first = false) {
      if (at_ >= text_.size()) return wrong("a [ without its ]");
      if (peek() == '[' && peek(1) == ':') return beyond();
      TRY_VOID(read_class_item(ranges));
      if (is_beyond_) return Piece{};
    }
    ++at_;
    return one_of(is_negated ? all_but(ranges) : ranges);
  }

  Result<void> read_class_item(Ranges& ranges) {
    std::uint32_t first = text_[at_++];
    if (first == '\\') {
      if (done()) return wrong("a \\ at the end");
      if (const auto named = named_class(peek())) {
        ++at_;
        ranges.insert(ranges.end(), named->begin(), named->end());
        return ok();
      }
      const auto character = read_character();
      if (!character) return beyond(), ok();
      first = *character;
    }
    std::uint32_t last = first;
    if (peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size()) {
      ++at_;
      last = text_[at_++];
      if (last == '\\') {
        if (done()) return wrong("a \\ at the end");
        const auto character = named_class(peek()) ? std::nullopt : read_character();
        if (!character) return beyond(), ok();
        last = *character;
      }
    }
    if (last < first) return wrong("a range whose end is below its beginning");
    ranges.push_back({first, last});
    return ok();
  }

  const std::vector<std::uint32_t> text_;
  std::size_t at_ = 0;
  bool is_beyond_ = false;  // it needs more than is understood
};

}  // namespace

Result<std::optional<Piece>> parse_pattern(std::string_view pattern) {
  if (!is_utf8(pattern)) return Error{Code::InvalidInput, "is no regular expression: not UTF-8"};
  if (pattern.size() > kPatternBytesMax) return std::optional<Piece>();
  return PatternReader(pattern).read();
}

}  // namespace hearth::engine
