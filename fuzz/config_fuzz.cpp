// Any bytes as a hearth.toml: an answer or an error, never a crash; what is accepted can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = hearth::config::parse_text(text, "fuzz.toml");
  if (loaded.ok() && hearth::config::show(loaded.value()).empty()) std::abort();
  if (!loaded.ok() && loaded.error().message.empty()) std::abort();
  return 0;
}
