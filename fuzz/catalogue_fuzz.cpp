// Any bytes as a catalogue of models: an answer or an error, never a crash; what is accepted can be
// found by its name and leads to a file inside the models' folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = hearth::model::Catalogue::parse(text, "fuzz.json");
  if (!read.ok()) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  for (const auto& entry : read.value().entries()) {
    const auto* const found = read.value().find(entry.name);
    if (!found || found->name != entry.name) std::abort();
    if (entry.name.find_first_of("/\\") != std::string::npos || entry.name.front() == '.')
      std::abort();
  }
  static_cast<void>(read.value().suggest(size));
  return 0;
}
