#include "model/pull/names.h"

#include <algorithm>

#include "base/utf8.h"

namespace hearth::model {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter_or_digit(char c) {
  const char small = lower(c);
  return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_model_name(std::string_view name) {
  if (name.empty() || name.size() > kModelNameBytesMax || !is_letter_or_digit(name.front()))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view(".-_+").find(c) != std::string_view::npos;
  });
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_hub_path(std::string_view path) {
  std::size_t parts = 0;
  for (std::size_t at = 0; at <= path.size(); ++parts) {
    const auto end = std::min(path.find('/', at), path.size());
    if (!is_model_name(path.substr(at, end - at))) return false;
    at = end + 1;
  }
  return parts >= 3;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_printable(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(),
                                       [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

}  // namespace hearth::model
