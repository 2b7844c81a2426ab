#include "api/http/query.h"

#include <algorithm>
#include <charconv>

#include "base/fields.h"
#include "net/percent.h"

namespace hearth::api {
namespace {

/// What stands behind the name, as sent.
std::optional<std::string_view> raw_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> query_text(std::string_view query, std::string_view name) {
  const auto raw = raw_value(query, name);
  if (!raw) return std::optional<std::string>();
  std::string spaced(*raw);
  std::ranges::replace(spaced, '+', ' ');  // before decoding: %2B is a plus
  auto text = net::percent_decoded(spaced, "the value");
  if (!text.ok()) return field_error(std::string(name), text.error().message);
  return std::optional(std::move(text).value());
}

Result<std::size_t> query_number(std::string_view query, std::string_view name,
                                 std::size_t fallback, std::size_t most) {
  const auto raw = raw_value(query, name);
  if (!raw) return fallback;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(raw->begin(), raw->end(), value);
  const bool whole = error == std::errc() && end == raw->end();
  if (whole && value <= most) return value;
  return field_error(std::string(name),
                     "a whole number from 0 to " + std::to_string(most) + " is required");
}

}  // namespace hearth::api
