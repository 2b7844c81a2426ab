#include "net/server/target.h"

#include <algorithm>
#include <utility>

#include "net/server/words.h"

namespace hearth::net {
namespace {

constexpr std::string_view kScheme = "http://";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Error{Code::InvalidInput, "the path has a '%' that is not followed by two hex digits"};
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) {
    return Error{Code::InvalidInput, "the path holds a NUL byte"};
  }
  return decoded;
}

/// "http://host:port/v1?x" becomes "/v1?x"; anything else stays.
std::string without_authority(std::string_view text) {
  if (!same_word(text.substr(0, kScheme.size()), kScheme)) return std::string(text);
  text.remove_prefix(kScheme.size());
  const auto end = std::min(text.find_first_of("/?"), text.size());
  const bool has_path = end < text.size() && text[end] == '/';
  return (has_path ? "" : "/") + std::string(text.substr(end));
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  const auto origin = without_authority(text);
  const auto mark = std::min(origin.find('?'), origin.size());
  auto path = origin.substr(0, mark);
  auto query = origin.substr(std::min(mark + 1, origin.size()));
  if (path == "*") return Target{.path = std::move(path), .query = std::move(query)};
  if (!path.starts_with('/')) {
    return Error{Code::InvalidInput, "the request target must start with '/'"};
  }
  TRY(auto decoded, percent_decoded(path));
  return Target{.path = std::move(decoded), .query = std::move(query)};
}

}  // namespace hearth::net
