#pragma once
#include <string_view>

namespace hearth::model {

/// The catalogue inside the program, as JSON.
std::string_view builtin_catalogue_json();

}  // namespace hearth::model
