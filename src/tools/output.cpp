#include "tools/output.h"

#include <algorithm>

#include "base/random.h"
#include "base/utf8.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kSniffedBytes = 8 * 1024;
constexpr std::size_t kMarkBytesMax = 64;  // "\n[truncated: 18446744073709551615 bytes]"

bool is_control(unsigned char c) { return c < ' ' || c == 0x7f; }

std::string escaped(unsigned char c) {
  switch (c) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '"': return "\\\"";
    case '\\': return "\\\\";
    default: return "\\x" + to_hex({&c, 1});
  }
}

}  // namespace

std::string bounded(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t kept = std::max(bytes_max, kMarkBytesMax) - kMarkBytesMax;
  while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xC0) == 0x80) --kept;
  const std::size_t left_out = text.size() - kept;
  text.resize(kept);
  return text + "\n[truncated: " + std::to_string(left_out) + " bytes]";
}

bool is_binary(std::string_view bytes) {
  return bytes.substr(0, kSniffedBytes).find('\0') != std::string_view::npos;
}

std::string path_text(std::string_view path) {
  const bool is_valid = is_utf8(path);
  const bool is_plain =
      is_valid && !path.starts_with('"') && std::none_of(path.begin(), path.end(), is_control);
  if (is_plain) return std::string(path);
  std::string text = "\"";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool odd = is_control(byte) || c == '"' || c == '\\' || (!is_valid && byte >= 0x80);
    text += odd ? escaped(byte) : std::string(1, c);
  }
  return text + "\"";
}

}  // namespace hearth::tools
