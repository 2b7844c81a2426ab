// Any bytes as a script of turns: a script or an error, soon; what was read keeps its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/turn_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hearth::app;
  const auto read = read_turn_script({reinterpret_cast<const char*>(data), size});
  if (!read.ok()) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  const TurnScript& script = read.value();
  if (script.turns.empty() || script.turns.size() > kScriptPartsMax) std::abort();
  if (script.says && script.says->size() > kScriptPartsMax) std::abort();
  for (const auto& turn : script.turns)
    if (turn.ends.empty() || turn.decide.size() > kScriptPartsMax) std::abort();
  return 0;
}
