#include "dialect/parts/lenient.h"

#include <algorithm>

namespace hearth::dialect {
namespace {

const Json kNull;

}  // namespace

const Json& at(const Json& value, std::string_view name) {
  if (!value.is_object()) return kNull;
  const auto found = value.find(name);
  return found == value.end() ? kNull : *found;
}

const Json& first_of(const Json& array) {
  return array.is_array() && !array.empty() ? array.front() : kNull;
}

std::string text_at(const Json& value, std::string_view name) {
  const Json& text = at(value, name);
  return text.is_string() ? text.get<std::string>() : "";
}

std::uint32_t count_at(const Json& value, std::string_view name) {
  const Json& count = at(value, name);
  if (!count.is_number_unsigned()) return 0;
  return static_cast<std::uint32_t>(std::min(count.get<std::uint64_t>(), kCountMax));
}

bool flag_at(const Json& value, std::string_view name) { return at(value, name) == true; }

std::string item(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace hearth::dialect
