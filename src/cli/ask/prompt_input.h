#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::cli {

inline constexpr std::size_t kPromptBytesMax = 1024 * 1024;

/// The prompt: `words` joined by spaces, then a blank line and what `fd` holds, unless that is a
/// terminal. Blocks until the end of `fd`. Errors: InvalidInput (both are blank), TooLarge (above
/// kPromptBytesMax), Unavailable (cannot be read).
Result<std::string> read_prompt(const std::vector<std::string>& words, int fd);

}  // namespace hearth::cli
