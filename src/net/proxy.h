#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/url.h"

namespace hearth::net {

/// What stands between this machine and others, as the environment usually says it. Values; copy
/// them freely, but do not print them: a proxy's URL may hold a password.
struct Proxies {
  std::optional<Url> http{};   // for http:// URLs
  std::optional<Url> https{};  // for https:// URLs, through CONNECT
  /// Hosts that are reached directly: "*", "example.org" (it and all below it), ".example.org"
  /// (the same), "10.0.0.1", "10.0.0.0/8", "[fd00::]/8", any of them with ":port".
  std::vector<std::string> direct{};

  static constexpr std::size_t kDirectMax = 256;

  /// The proxy for a URL; nullptr: none. This machine itself is always reached directly.
  const Url* for_url(const Url& url) const;
};

/// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or in lower case, which wins; an empty one is as good as
/// none. Errors: InvalidInput (no http:// URL; names the variable, never its value), TooLarge
/// (more than kDirectMax hosts in NO_PROXY).
Result<Proxies> read_proxies(const std::map<std::string, std::string>& environment);

}  // namespace hearth::net
