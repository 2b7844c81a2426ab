#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::tools {

/// The bound of everything that a tool says; tools.output_bytes_max lowers it.
inline constexpr std::size_t kOutputBytesMax = 64 * 1024;

/// `text` if it fits, else its beginning, cut between characters, and "\n[truncated: N bytes]",
/// where N were left out; both together within `bytes_max` (at least 64).
std::string bounded(std::string text, std::size_t bytes_max);

/// Whether bytes are better named than shown: a zero byte among the first 8 KiB.
bool is_binary(std::string_view bytes);

/// A path on one line of its own: as it is, or, with control characters, quotes around it or bytes
/// that are no UTF-8, in double quotes with \n, \t, \\, \" and \x1b for them.
std::string path_text(std::string_view path);

}  // namespace hearth::tools
