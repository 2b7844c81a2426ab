#include "cli/terminal/visible.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/utf8.h"

namespace hearth::cli {
namespace {

struct Range {
  std::uint32_t first, last;
};
// Unicode's control and format characters, less those that only occur inside of words of a script.
// Source: unicode.org/Public/UNIDATA/UnicodeData.txt, categories Cc, Cf, Zl, Zp.
constexpr Range kUnseen[] = {{0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},
                             {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},
                             {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                             {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};

bool is_unseen(std::uint32_t character) {
  return std::any_of(std::begin(kUnseen), std::end(kUnseen), [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

/// How many bytes a character has that begins with this one; the text is UTF-8.
std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

std::uint32_t character_of(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  std::uint32_t character = bytes.size() == 1 ? lead : lead & (0x7fu >> bytes.size());
  for (const char byte : bytes.substr(1))
    character = character << 6 | (static_cast<unsigned char>(byte) & 0x3fu);
  return character;
}

std::string written_out(std::uint32_t character) {
  if (character == '\r') return "\\r";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), character < 0x80 ? "\\x%02x" : "\\u%04x", character);
  return text.data();
}

}  // namespace

std::string visible(std::string_view text) {
  const std::string whole = to_utf8(text);
  std::string out;
  for (std::size_t at = 0; at < whole.size();) {
    const std::string_view bytes =
        std::string_view(whole).substr(at, length_of(static_cast<unsigned char>(whole[at])));
    const std::uint32_t character = character_of(bytes);
    out += is_unseen(character) ? written_out(character) : std::string(bytes);
    at += bytes.size();
  }
  return out;
}

}  // namespace hearth::cli
