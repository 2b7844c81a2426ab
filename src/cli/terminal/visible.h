#pragma once
#include <string>
#include <string_view>

namespace hearth::cli {

/// `text` with all that does not show itself written out, for what a person decides by: control
/// characters as `\r` or `\x1b`, characters that hide, join or turn the direction of writing as
/// `\u202e`. Line ends and tabs stay; bytes that are no UTF-8 become U+FFFD. Safe to show.
std::string visible(std::string_view text);

}  // namespace hearth::cli
