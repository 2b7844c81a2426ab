// Feeds a Server-Sent Events stream to the parser whole and in pieces, and expects the same events.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/client.h"

namespace {

std::vector<std::string> events_of(std::string_view text, std::size_t piece_bytes) {
  hearth::net::EventStreamParser parser;
  std::vector<std::string> events;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
    parser.feed(text.substr(at, piece_bytes),
                [&](std::string_view data) { events.emplace_back(data); });
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = events_of(text, size + 1);
  for (const std::size_t piece_bytes : {1, 2, 3, 7}) {
    if (events_of(text, piece_bytes) != whole) std::abort();
  }
  return 0;
}
