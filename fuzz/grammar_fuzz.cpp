// Any bytes as a grammar (after 'g') or a JSON Schema (after 's'): what our checks accept,
// llama.cpp must take without a crash, a hang or a flood.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/prompt/grammar_check.h"
#include "llama-cpp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 's') {
    (void)hearth::engine::check_schema(text, "schema", hearth::engine::SchemaRoot::Any);
  } else if (hearth::engine::check_grammar_text(text).ok()) {
    const llama_sampler_ptr taken(llama_sampler_init_grammar(nullptr, text.c_str(), "root"));
  }
  return 0;
}
