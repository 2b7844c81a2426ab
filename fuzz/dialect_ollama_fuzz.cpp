// Any bytes as a request of Ollama's API. What is accepted keeps its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/ollama.h"
#include "dialect_fuzz.h"

namespace {

using namespace hearth::dialect;

void check_request(const hearth::Json& body, ollama::Endpoint endpoint) {
  const auto got = ollama::read_request(body, endpoint);
  if (!got.ok()) return fuzz_require(!got.error().message.empty());
  const auto& keep = got.value().what.keep_alive_s;
  fuzz_require(!keep || (*keep >= -1 && *keep <= ollama::kKeepAliveMaxSeconds));
  if (!got.value().what.is_load) check_ask(Carried<Ask>{got.value().what.ask, got.value().lost});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = hearth::parse_json(text, "body");
  if (!body.ok()) return 0;
  check_request(body.value(), ollama::Endpoint::Chat);
  check_request(body.value(), ollama::Endpoint::Generate);
  const auto embed = ollama::read_embed(body.value());
  fuzz_require(!embed.ok() || embed.value().what.inputs.size() <= ollama::kEmbedInputsMax);
  const auto older = ollama::read_embeddings(body.value());
  fuzz_require(!older.ok() || older.value().what.inputs.size() == 1);
  fuzz_require(ollama::read_show(body.value()).ok() || true);
  return 0;
}
