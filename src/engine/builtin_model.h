#pragma once
#include <string_view>

namespace hearth::engine {

/// The GGUF bytes of Ember, the model inside this binary. Lives as long as the process.
std::string_view builtin_model_bytes();

/// Gives back the memory that reading all of it took; its pages come from the executable again when
/// they are read. Any thread, at any time.
void release_builtin_model_pages();

/// The name under which Ember is offered.
inline constexpr const char* kBuiltinModelName = "ember";

}  // namespace hearth::engine
