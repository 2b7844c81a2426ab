#include "base/utf8.h"

#include <cstdint>

namespace hearth {
namespace {

struct Sequence {
  std::size_t bytes = 0;  // how many bytes this step covers, at least 1
  bool well_formed = false;
  bool may_complete = false;  // cut off by the end of the text
};

bool continues(unsigned char byte) { return (byte & 0xC0) == 0x80; }

/// The smallest and largest second byte that RFC 3629 allows after `lead`.
bool second_allowed(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;  // no overlong form
    case 0xED: return second >= 0x80 && second <= 0x9F;  // no surrogate
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;  // at most U+10FFFF
    default: return continues(second);
  }
}

std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

Sequence read(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = length_of(byte(0));
  if (length == 0) return {1, false, false};
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false, true};
    const bool good = i == 1 ? second_allowed(byte(0), byte(1)) : continues(byte(i));
    if (!good) return {i, false, false};
  }
  return {length, true, false};
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Sequence next = read(text);
    if (!next.well_formed) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

std::size_t utf8_complete_bytes(std::string_view text) {
  // Only the last three bytes can begin a sequence that the end cuts off.
  const std::size_t from = text.size() < 3 ? 0 : text.size() - 3;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (continues(static_cast<unsigned char>(text[i]))) continue;
    const Sequence next = read(text.substr(i));
    if (next.may_complete && i + next.bytes == text.size()) return i;
  }
  return text.size();
}

std::string to_utf8(std::string_view text) {
  std::string good;
  good.reserve(text.size());
  while (!text.empty()) {
    const Sequence next = read(text);
    if (next.well_formed) {
      good += text.substr(0, next.bytes);
    } else {
      good += "\xEF\xBF\xBD";
    }
    text.remove_prefix(next.bytes);
  }
  return good;
}

}  // namespace hearth
