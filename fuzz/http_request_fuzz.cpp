// Feeds bytes to the HTTP request parser whole and in pieces, and expects the same request.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "net/server/request_parser.h"

namespace {

using hearth::net::Request;
using hearth::net::RequestParser;

std::optional<Request> request_of(std::string_view text, std::size_t piece_bytes) {
  const hearth::net::ServerLimits limits;
  RequestParser parser(limits);
  auto state = RequestParser::State::Empty;
  std::string inbox;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
    inbox += text.substr(at, piece_bytes);
    state = parser.feed(inbox);
    if (state == RequestParser::State::Done) return parser.take();
    if (state == RequestParser::State::Failed) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = request_of(text, size + 1);
  for (const std::size_t piece_bytes : {1, 2, 7}) {
    const auto cut = request_of(text, piece_bytes);
    if (cut.has_value() != whole.has_value()) std::abort();
    if (cut &&
        (cut->path != whole->path || cut->headers != whole->headers || cut->body != whole->body)) {
      std::abort();
    }
  }
  return 0;
}
