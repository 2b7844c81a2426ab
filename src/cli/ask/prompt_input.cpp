#include "cli/ask/prompt_input.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

Error too_large() { return {Code::TooLarge, "the prompt is longer than 1 MiB", "prompt"}; }

Result<std::string> read_all(int fd) {
  std::string text;
  std::array<char, 16 * 1024> piece;
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      // A closed standard input (`<&-`) is as good as an empty one.
      if (errno == EBADF) return text;
      return Error{Code::Unavailable,
                   std::string("cannot read standard input: ") + std::strerror(errno)};
    }
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kPromptBytesMax) return too_large();
  }
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

Result<std::string> read_prompt(const std::vector<std::string>& words, int fd) {
  std::string prompt;
  for (const std::string& word : words) prompt += (prompt.empty() ? "" : " ") + word;
  if (!is_terminal(fd)) {
    TRY(std::string input, read_all(fd));
    while (!input.empty() && (input.back() == '\n' || input.back() == '\r')) input.pop_back();
    if (!is_blank(input)) prompt += (prompt.empty() ? "" : "\n\n") + input;
  }
  if (is_blank(prompt))
    return Error{Code::InvalidInput, "a prompt is required, as an argument or on standard input",
                 "prompt"};
  if (prompt.size() > kPromptBytesMax) return too_large();
  return prompt;
}

}  // namespace hearth::cli
