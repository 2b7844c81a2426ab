#include "model/router/words.h"

#include <algorithm>
#include <functional>

namespace hearth::model::router {
namespace {

constexpr char32_t kNone = 0xFFFFFFFF;

/// The next character; kNone for a byte that begins none, which is skipped.
char32_t next(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t more = lead < 0x80    ? 0
                           : lead >= 0xF0 ? 3
                           : lead >= 0xE0 ? 2
                           : lead >= 0xC0 ? 1
                                          : 9;
  if (more == 9 || at + more >= text.size()) return ++at, kNone;
  constexpr unsigned char kMask[] = {0x7F, 0x1F, 0x0F, 0x07};
  char32_t point = lead & kMask[more];
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return ++at, kNone;
    point = (point << 6) | (byte(at + i) & 0x3F);
  }
  at += more + 1;
  return point;
}

void append(std::string& text, char32_t point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr unsigned char kLead[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kLead[more] | (point >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3F));
}

bool in(char32_t point, char32_t first, char32_t last) { return point >= first && point <= last; }

bool is_apostrophe(char32_t point) { return point == '\'' || point == 0x2019; }

/// Of a script without spaces: Thai to Khmer, kana, Han.
bool is_alone(char32_t point) {
  return in(point, 0x0E00, 0x0EFF) || in(point, 0x1000, 0x109F) || in(point, 0x1780, 0x17FF) ||
         in(point, 0x3040, 0x30FF) || in(point, 0x3400, 0x4DBF) || in(point, 0x4E00, 0x9FFF) ||
         in(point, 0xF900, 0xFAFF) || in(point, 0x20000, 0x3FFFF);
}

/// A letter or a digit; beyond Latin all that is no punctuation, space or symbol.
bool is_letter(char32_t point) {
  if (point == kNone) return false;
  if (point < 0x80)
    return in(point, 'a', 'z') || in(point, 'A', 'Z') || in(point, '0', '9') || point == '_';
  if (point < 0xC0) return point == 0xAA || point == 0xB5 || point == 0xBA;
  return point != 0xD7 && point != 0xF7 && !in(point, 0x2000, 0x2BFF) &&
         !in(point, 0x3000, 0x303F) && !in(point, 0xFF00, 0xFF0F) && !in(point, 0xFE00, 0xFE0F) &&
         !in(point, 0x1F000, 0x1FAFF);
}

/// Where upper and lower case stand in a row, as in Latin, Greek and Cyrillic.
char32_t lower(char32_t point) {
  if (in(point, 'A', 'Z') || (in(point, 0xC0, 0xDE) && point != 0xD7)) return point + 32;
  if (in(point, 0x100, 0x137) || in(point, 0x14A, 0x177)) return point | 1;
  if (in(point, 0x139, 0x148)) return point + (point & 1);
  if (in(point, 0x391, 0x3A9) || in(point, 0x410, 0x42F)) return point + 32;
  if (in(point, 0x400, 0x40F)) return point + 80;
  return point;
}

}  // namespace

Words::Words(std::string_view text) {
  std::string word;
  const auto end = [&] {
    if (!word.empty()) words_.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = next(text, at);
    if (is_apostrophe(point) && !word.empty()) continue;
    if (!is_letter(point) || is_alone(point)) end();
    if (!is_letter(point)) continue;
    append(word, lower(point));
    if (is_alone(point)) end();
  }
  end();
  hashes_.reserve(words_.size());
  for (const std::string& one : words_) hashes_.push_back(std::hash<std::string>()(one));
  std::ranges::sort(hashes_);
}

bool Words::may_have(const std::string& word) const {
  return std::ranges::binary_search(hashes_, std::hash<std::string>()(word));
}

bool Words::contain(const Words& phrase) const {
  if (phrase.words_.empty()) return false;
  for (const std::string& word : phrase.words_)
    if (!may_have(word)) return false;
  return std::search(words_.begin(), words_.end(), phrase.words_.begin(), phrase.words_.end()) !=
         words_.end();
}

}  // namespace hearth::model::router
