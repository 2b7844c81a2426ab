#include "engine/prompt/markers.h"

#include "base/random.h"

namespace hearth::engine {

// Letters and digits only: no template escapes them.
Markers::Markers() : open_(random_id("hearthopen")), close_(random_id("hearthshut")) {}

std::string Markers::wrap(std::string_view text) const {
  constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return std::string(text);
  const std::size_t last = text.find_last_not_of(kWhiteSpace);
  std::string result(text.substr(0, first));
  result.append(open_).append(text.substr(first, last + 1 - first)).append(close_);
  return result.append(text.substr(last + 1));
}

std::optional<MaskedText> Markers::strip(std::string_view marked) const {
  MaskedText result;
  bool inside = false;
  std::size_t at = 0;
  while (true) {
    const std::string& wanted = inside ? close_ : open_;
    const std::size_t open = marked.find(open_, at);
    const std::size_t close = marked.find(close_, at);
    const std::size_t next = std::min(open, close);
    const std::string_view piece = marked.substr(at, std::min(next, marked.size()) - at);
    result.text += piece;
    result.trusted.insert(result.trusted.end(), piece.size(), !inside);
    if (next == std::string_view::npos) break;
    if (next != (inside ? close : open)) return std::nullopt;
    at = next + wanted.size();
    inside = !inside;
  }
  if (inside) return std::nullopt;
  return result;
}

}  // namespace hearth::engine
