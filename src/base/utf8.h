#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace hearth {

/// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
/// Source: RFC 3629, section 4.
bool is_utf8(std::string_view text);

/// How many bytes of `text` can be shown now: all of it, less a sequence at the end that is still
/// incomplete (at most 3 bytes). Ill-formed bytes count as complete; to_utf8() replaces them.
std::size_t utf8_complete_bytes(std::string_view text);

/// `text` with every ill-formed sequence replaced by U+FFFD.
std::string to_utf8(std::string_view text);

}  // namespace hearth
