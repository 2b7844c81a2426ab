#include "net/client/request_text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>

namespace hearth::net {
namespace {

// What may go along to another origin: nothing here can hold a secret.
constexpr std::array<std::string_view, 8> kHarmlessHeaders = {
    "accept",   "accept-language", "content-type", "if-none-match",
    "if-range", "range",           "user-agent",   "cache-control"};

bool is_named(const std::string& header, std::string_view name) {
  return boost::beast::iequals(header, name);
}

const std::string* find(const Headers& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return is_named(header.first, name); });
  return found == headers.end() ? nullptr : &found->second;
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_word(std::string_view text) {
  return !text.empty() && !breaks_line(text) && text.find(' ') == std::string_view::npos;
}

Result<void> add_header(std::string& text, const std::string& name, const std::string& value) {
  if (name.empty() || breaks_line(name) || name.find(':') != std::string::npos)
    return Error{Code::InvalidInput, "a header's name is empty or holds a line break or colon",
                 "headers"};
  if (breaks_line(value))
    return Error{Code::InvalidInput, "header '" + name + "' holds a line break", name};
  text.append(name).append(": ").append(value).append("\r\n");
  return ok();
}

/// "example.org", with the port unless it is the scheme's own.
std::string host_header(const Url& url) {
  const auto origin = url.origin();
  return origin.substr(origin.find("//") + 2);
}

bool has_body(const ClientRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

Headers own_headers(const ClientRequest& request, const Route& route, const HeadOptions& options) {
  Headers headers = {{"Host", host_header(route.to)}};
  if (!options.keep_alive) headers.emplace_back("Connection", "close");
  if (!options.user_agent.empty() && !find(request.headers, "User-Agent"))
    headers.emplace_back("User-Agent", options.user_agent);
  if (has_body(request))
    headers.emplace_back("Content-Length", std::to_string(request.body.size()));
  if (route.asks_proxy() && !route.proxy->user.empty())
    headers.emplace_back("Proxy-Authorization", basic_authorization(route.proxy->user));
  return headers;
}

bool becomes_get(int status, const std::string& method) {
  if (status == 303) return method != "HEAD";
  return (status == 301 || status == 302) && method == "POST";
}

bool may_cross(const std::string& header) {
  return std::any_of(kHarmlessHeaders.begin(), kHarmlessHeaders.end(),
                     [&](std::string_view name) { return is_named(header, name); });
}

}  // namespace

std::string Route::connection_name() const {
  // Only a tunnel's end is fixed by its connection; a plain proxy takes requests for anybody.
  const std::string end = asks_proxy() ? "" : to.origin();
  return proxy ? end + " via " + proxy->origin() + " as " + proxy->user : end;
}

Result<std::string> request_head(const ClientRequest& request, const Route& route,
                                 const HeadOptions& options) {
  if (!is_word(request.method) || !is_word(request.target))
    return Error{Code::InvalidInput, "method and target must be single words", "target"};
  const std::string target =
      route.asks_proxy() ? route.to.origin() + request.target : request.target;
  std::string text = request.method + " " + target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : own_headers(request, route, options))
    TRY_VOID(add_header(text, name, value));
  for (const auto& [name, value] : request.headers) TRY_VOID(add_header(text, name, value));
  return text.append("\r\n");
}

std::string connect_head(const Route& route) {
  const auto to = authority_text(route.to.host, route.to.port);
  std::string text = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n";
  if (!route.proxy->user.empty())
    text += "Proxy-Authorization: " + basic_authorization(route.proxy->user) + "\r\n";
  return text + "\r\n";
}

std::string basic_authorization(const std::string& user) {
  std::string text(4 * ((user.size() + 2) / 3) + 1, '\0');  // and the final zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(user.data()),
                                   static_cast<int>(user.size()));
  text.resize(static_cast<std::size_t>(size));
  return "Basic " + text;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Url url_of(const ClientRequest& request) {
  Url url{.scheme = request.scheme,
          .host = request.host,
          .port = request.port,
          .target = request.target};
  if (url.host.size() > 2 && url.host.front() == '[' && url.host.back() == ']')
    url.host = url.host.substr(1, url.host.size() - 2);
  return url;
}

Result<ClientRequest> redirected(const ClientRequest& request, const Response& head) {
  const auto* const location = find(head.headers, "Location");
  if (!location) return Error{Code::Unavailable, "it redirects, but does not say where to"};
  const Url from = url_of(request);
  const auto resolved = resolve_reference(from, *location);
  if (!resolved.ok())
    return Error{Code::Unavailable,
                 "it redirects to what cannot be followed: " + resolved.error().message};
  const Url& to = resolved.value();
  if (from.scheme == Scheme::Https && to.scheme == Scheme::Http)
    return Error{Code::Denied, "it redirects from https to http, which is not followed"};
  ClientRequest next = request;
  next.scheme = to.scheme;
  next.host = to.host;
  next.port = to.port;
  next.target = to.target;
  next.redirects_max = request.redirects_max - 1;
  if (to.origin() != from.origin())
    std::erase_if(next.headers, [](const auto& header) { return !may_cross(header.first); });
  if (becomes_get(head.status, request.method)) {
    next.method = "GET";
    next.body.clear();
    std::erase_if(next.headers,
                  [](const auto& header) { return is_named(header.first, "Content-Type"); });
  }
  return next;
}

}  // namespace hearth::net
