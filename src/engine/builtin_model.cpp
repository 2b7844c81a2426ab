#include "engine/builtin_model.h"

extern "C" {
extern const char hearth_ember_begin[];
extern const char hearth_ember_end[];
}

namespace hearth::engine {

std::string_view builtin_model_bytes() {
  return {hearth_ember_begin, static_cast<std::size_t>(hearth_ember_end - hearth_ember_begin)};
}

}  // namespace hearth::engine
