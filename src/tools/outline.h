#pragma once
#include <string>
#include <string_view>

namespace hearth::tools {

/// What a model needs to see of a JSON Schema that constrains it anyhow: names, types, choices, and
/// what is required; without bounds, patterns and words for people. `schema` is one that
/// Schema::make() takes.
std::string outline_of(std::string_view schema);

}  // namespace hearth::tools
