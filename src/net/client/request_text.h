#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "net/client.h"

namespace hearth::net {

/// Where a request is sent and what it depends on there. Pure.
struct Route {
  Url to{};                    // scheme, host and port; its target may hold a secret
  std::optional<Url> proxy{};  // stands between
  bool asks_proxy() const { return proxy && to.scheme == Scheme::Http; }
  bool tunnels() const { return proxy && to.scheme == Scheme::Https; }
  /// Connections with the same name serve for the same requests.
  std::string connection_name() const;
};

struct HeadOptions {
  bool keep_alive = true;
  std::string user_agent{};  // "": none
};

/// The head of a request as it is sent; the body follows. Errors: InvalidInput (method, target or
/// header that would break the message; names it, quotes no value).
Result<std::string> request_head(const ClientRequest& request, const Route& route,
                                 const HeadOptions& options);

/// The request for a tunnel through a proxy.
std::string connect_head(const Route& route);

/// The header value for "user:password".
std::string basic_authorization(const std::string& user);

/// Whether an answer sends the request elsewhere.
bool is_redirect(int status);

/// The request that follows a redirect: RFC 9110, section 15.4; after one beyond the request's
/// origin with harmless headers only. Errors: Unavailable (no Location, or none that can be
/// followed), Denied (from https to http).
Result<ClientRequest> redirected(const ClientRequest& request, const Response& head);

/// Where a request goes, as a URL.
Url url_of(const ClientRequest& request);

}  // namespace hearth::net
