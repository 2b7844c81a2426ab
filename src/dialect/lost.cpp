#include "dialect/lost.h"

#include <algorithm>

#include "base/utf8.h"

namespace hearth::dialect {
namespace {

constexpr std::string_view kCut = "…";

std::string shortened(std::string line) {
  if (line.size() <= kLostBytesMax) return line;
  const std::string_view kept = std::string_view(line).substr(0, kLostBytesMax - kCut.size());
  line.resize(utf8_complete_bytes(kept));
  return line.append(kCut);
}

}  // namespace

void Lost::add(std::string_view field, std::string_view why) {
  add_line(std::string(field) + ": " + std::string(why));
}

void Lost::add_all(const Lost& other) {
  for (const std::string& line : other.lines_) add_line(line);
}

void Lost::add_line(std::string line) {
  line = shortened(to_utf8(line));
  if (lines_.size() == kLostMax || std::ranges::find(lines_, line) != lines_.end()) return;
  lines_.push_back(lines_.size() + 1 == kLostMax ? std::string(kCut) : std::move(line));
}

}  // namespace hearth::dialect
