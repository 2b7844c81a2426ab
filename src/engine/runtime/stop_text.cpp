#include "engine/runtime/stop_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace hearth::engine {
namespace {

/// Bytes at the end of `text` that are the beginning of `stop`, but not all of it.
std::size_t begun(std::string_view text, std::string_view stop) {
  for (std::size_t bytes = std::min(text.size(), stop.size() - 1); bytes > 0; --bytes) {
    if (text.ends_with(stop.substr(0, bytes))) return bytes;
  }
  return 0;
}

}  // namespace

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

StopText::Release StopText::add(std::string_view bytes) {
  held_ += bytes;
  std::size_t place = std::string::npos;
  const std::string* met = nullptr;
  std::size_t maybe = 0;
  for (const std::string& stop : stops_) {
    const std::size_t found = held_.find(stop);
    if (found < place) {
      place = found;
      met = &stop;
    }
    maybe = std::max(maybe, begun(held_, stop));
  }
  if (met) {
    Release last = release(place);
    last.stop = *met;
    return last;
  }
  return release(utf8_complete_bytes(std::string_view(held_).substr(0, held_.size() - maybe)));
}

StopText::Release StopText::finish() { return release(utf8_complete_bytes(held_)); }

StopText::Release StopText::release(std::size_t bytes) {
  Release out{.text = to_utf8(std::string_view(held_).substr(0, bytes))};
  held_.erase(0, bytes);
  out_bytes_ += bytes;
  out.bytes = out_bytes_;
  return out;
}

}  // namespace hearth::engine
