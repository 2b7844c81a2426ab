// Any bytes as a model file: facts within their bounds or an error of one sentence, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/model_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto facts = hearth::engine::parse_model_facts(bytes);
  if (!facts.ok()) {
    const std::string& message = facts.error().message;
    if (message.empty() || message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const hearth::engine::ModelFacts& found = facts.value();
  if (found.layers == 0 || found.layers > 512 || found.tensors == 0) std::abort();
  if (found.size_bytes != size || found.heads < found.kv_heads) std::abort();
  if (hearth::engine::memory_needed_bytes(found, found.context_tokens, 2) < size) std::abort();
  return 0;
}
