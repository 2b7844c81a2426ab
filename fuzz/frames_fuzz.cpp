// Any bytes as a frame of either direction: the first byte is its type. What decodes must encode
// again, and decode to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/frames.h"

namespace {

template <class Decode>
void check(std::uint8_t type, std::string_view payload, Decode decode) {
  const auto frame = decode(type, payload);
  if (!frame.ok()) {
    if (frame.error().message.empty()) std::abort();
    return;
  }
  const auto encoded = hearth::engine::encode(frame.value());
  if (encoded.type != type) std::abort();
  const auto again = decode(encoded.type, encoded.payload);
  if (!again.ok() || again.value().index() != frame.value().index()) std::abort();
  if (hearth::engine::encode(again.value()).payload != encoded.payload) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(data[0], payload, hearth::engine::decode_request);
  check(data[0], payload, hearth::engine::decode_reply);
  return 0;
}
