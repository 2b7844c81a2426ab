#pragma once
#include <string>
#include <string_view>

namespace hearth::tools {

/// The changes from one text to another as a unified diff with three lines of context; empty if
/// they are the same. `name` stands in its head. What lies between the first and the last
/// difference is compared line by line up to kDiffLinesMax on each side; above that it is shown as
/// taken out and put in as a whole.
inline constexpr std::size_t kDiffLinesMax = 2'000;
std::string unified_diff(const std::string& name, std::string_view before, std::string_view after);

}  // namespace hearth::tools
