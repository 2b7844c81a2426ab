#include "cli/terminal/style.h"

#include <unistd.h>

#include <cstdlib>

namespace hearth::cli {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value && *value;
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

Style Style::of(int fd) {
  const char* const term = std::getenv("TERM");
  const bool dumb = !term || !*term || std::string_view(term) == "dumb";
  return {.colour = is_terminal(fd) && !dumb && !is_set("NO_COLOR")};
}

std::string Style::wrap(const char* code, std::string_view text) const {
  if (!colour) return std::string(text);
  return std::string("\033[") + code + "m" + std::string(text) + "\033[0m";
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
    const bool c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;  // U+0080 to U+009F
    if (!c0 && !c1) {
      out += text[i];
      continue;
    }
    out += kReplacement;
    if (c1) ++i;
  }
  return out;
}

}  // namespace hearth::cli
