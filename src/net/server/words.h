#pragma once
#include <algorithm>
#include <string_view>

namespace hearth::net {

/// True if two header names or tokens are the same, whatever their (ASCII) case.
/// Source: RFC 9110, section 5.1.
inline bool same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace hearth::net
