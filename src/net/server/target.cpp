#include "net/server/target.h"

#include <algorithm>
#include <utility>

#include "net/percent.h"
#include "net/server/words.h"

namespace hearth::net {
namespace {

constexpr std::string_view kScheme = "http://";

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
  TRY(auto decoded, percent_decoded(path, "the path"));
  return Target{.path = std::move(decoded), .query = std::move(query)};
}

}  // namespace hearth::net
