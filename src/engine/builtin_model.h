#pragma once
#include <string_view>

namespace hearth::engine {

/// The GGUF bytes of Ember, the model inside this binary. Lives as long as the process.
std::string_view builtin_model_bytes();

/// The name under which Ember is offered.
inline constexpr const char* kBuiltinModelName = "ember";

}  // namespace hearth::engine
