#pragma once
#include <string_view>
#include <vector>

namespace hearth::tools {

/// The lines of a text, without their ends; one that ends in "\n" has no empty line behind it.
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace hearth::tools
