#include "api/run/lost_header.h"

#include <algorithm>
#include <string_view>

namespace hearth::api {

void add_lost(net::Headers& headers, const dialect::Lost& lost) {
  constexpr std::string_view kCut = "...";
  std::string text;
  for (const std::string& line : lost.lines()) text += (text.empty() ? "" : "; ") + line;
  if (text.empty()) return;
  // Lines quote names that clients chose.
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > kLostHeaderBytesMax)
    text = text.substr(0, kLostHeaderBytesMax - kCut.size()).append(kCut);
  headers.emplace_back(kLostHeader, std::move(text));
}

}  // namespace hearth::api
