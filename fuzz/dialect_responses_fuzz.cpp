// Any bytes as a request of the Responses API. What is accepted keeps its bounds, and an answer to
// it can be written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/responses.h"
#include "dialect_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth::dialect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = hearth::parse_json(text, "body");
  if (!body.ok()) return 0;
  auto got = responses::read_request(body.value());
  if (!got.ok()) {
    fuzz_require(!got.error().message.empty());
    return 0;
  }
  check_ask(Carried<Ask>{got.value().what.ask, got.value().lost});
  const responses::Delivery& delivery = got.value().what.delivery;
  fuzz_require(delivery.metadata.size() <= responses::kMetadataMax);
  const responses::Header header{"resp_1", "m", 0, delivery, got.value().what.ask};
  fuzz_require(responses::write_answer(header, {}).what["object"] == "response");
  return 0;
}
