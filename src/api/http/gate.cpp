#include "api/http/gate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace hearth::api {
namespace {

constexpr std::size_t kAllowHeadersBytesMax = 1'024;  // of Access-Control-Request-Headers, echoed

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool good_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
}

bool is_ipv6(std::string_view host) {
  std::array<std::uint8_t, 16> address{};
  return inet_pton(AF_INET6, std::string(host).c_str(), address.data()) == 1;
}

bool is_wildcard(std::string_view host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

std::size_t count_headers(const net::Request& request, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [&](const auto& header) { return lower(header.first) == name; }));
}

/// The port a browser leaves out.
std::string default_port(std::string_view scheme) {
  if (scheme == "http") return "80";
  if (scheme == "https") return "443";
  return "";
}

bool same_origin(std::string_view origin, std::string_view host_header) {
  const auto colon = origin.find("://");
  if (colon == std::string_view::npos) return false;
  auto ours = split_host(host_header);
  auto theirs = split_host(origin.substr(colon + 3));
  if (!ours || !theirs) return false;
  const std::string implied = default_port(lower(origin.substr(0, colon)));
  if (implied.empty()) return false;  // only web pages have a host of ours
  if (ours->port.empty()) ours->port = implied;
  if (theirs->port.empty()) theirs->port = implied;
  return *ours == *theirs;
}

bool cors_allows(const GateRules& rules, std::string_view origin) {
  return std::any_of(
      rules.cors_origins.begin(), rules.cors_origins.end(),
      [&](const std::string& allowed) { return allowed == "*" || allowed == origin; });
}

std::string_view bearer_of(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() < kScheme.size() || lower(header.substr(0, kScheme.size())) != kScheme)
    return {};
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  return header;
}

/// The first 64 bits of its SHA-256.
std::uint64_t account_number(std::string_view token) {
  constexpr int kHexDigits = 16;
  const std::string digest = vault::sha256_hex(token);
  std::uint64_t number = 0;
  std::from_chars(digest.data(), digest.data() + kHexDigits, number, 16);
  return std::max<std::uint64_t>(number, 1);
}

/// The token that the request shows, or nullptr. Every one is compared, in constant time.
const AccessToken* matching_token(const GateRules& rules, const net::Request& request) {
  const std::string* authorization = request.header("authorization");
  const std::string* api_key = request.header("x-api-key");
  const std::string_view by_bearer = authorization ? bearer_of(*authorization) : "";
  const std::string_view by_key = api_key ? std::string_view(*api_key) : "";
  const AccessToken* found = nullptr;
  for (const AccessToken& token : rules.tokens) {
    const bool bearer = token.secret.matches(by_bearer), key = token.secret.matches(by_key);
    if (bearer || key) found = &token;
  }
  return found;
}

bool is_json_type(std::string_view type) {
  const std::string name = lower(type.substr(0, type.find(';')));
  const auto end = name.find_last_not_of(" \t");
  return end != std::string::npos && name.substr(0, end + 1) == "application/json";
}

bool safe_header_list(std::string_view text) {
  return text.size() <= kAllowHeadersBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
           return good_host_character(c) || c == ',' || c == ' ';
         });
}

}  // namespace

AccessToken::AccessToken(std::string text)
    : account(account_number(text)), secret(std::move(text)) {}

std::optional<HostPort> split_host(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return std::nullopt;
    out.host = lower(text.substr(1, end - 1));
    rest = text.substr(end + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    out.host = lower(text.substr(0, colon));
    rest = text.substr(colon);
    if (out.host.ends_with('.')) out.host.pop_back();
    if (out.host.empty() || !std::all_of(out.host.begin(), out.host.end(), good_host_character))
      return std::nullopt;
  }
  if (rest.empty()) return out;
  out.port = rest.substr(1);
  const bool good_port =
      rest.front() == ':' && !out.port.empty() && out.port.size() <= 5 && all_digits(out.port);
  if (!good_port) return std::nullopt;
  return out;
}

bool is_address(std::string_view host) {
  std::array<std::uint8_t, 4> address{};
  return inet_pton(AF_INET, std::string(host).c_str(), address.data()) == 1 || is_ipv6(host);
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host.starts_with("127.") && is_address(host)) return true;
  std::array<std::uint8_t, 16> address{};
  const bool v6 = inet_pton(AF_INET6, std::string(host).c_str(), address.data()) == 1;
  return v6 && address.back() == 1 &&
         std::all_of(address.begin(), address.end() - 1, [](auto b) { return b == 0; });
}

std::optional<HttpError> check_host(const GateRules& rules, const net::Request& request) {
  const std::string* header = request.header("host");
  if (!header) return status_error(403, "Host: the header is missing", "Host");
  const auto host = count_headers(request, "host") == 1 ? split_host(*header) : std::nullopt;
  if (!host) return status_error(403, "Host: not a host name and port", "Host");
  if (is_loopback_host(host->host) || host->host == lower(rules.bound_host)) return std::nullopt;
  // Rebinding needs a name, so where every address is served, any address in numbers is as good.
  if (is_wildcard(rules.bound_host) && is_address(host->host)) return std::nullopt;
  for (const std::string& name : rules.hosts)
    if (host->host == lower(name)) return std::nullopt;
  return status_error(
      403, "Host: '" + host->host + "' is not a name of this server; add it to server.hosts",
      "Host");
}

std::optional<HttpError> check_origin(const GateRules& rules, const net::Request& request) {
  const std::string* origin = request.header("origin");
  if (!origin || cors_allows(rules, *origin)) return std::nullopt;
  const std::string* host = request.header("host");
  if (host && same_origin(*origin, *host)) return std::nullopt;
  return status_error(
      403,
      "Origin: pages from '" + *origin + "' may not use this server; add it to server.cors_origins",
      "Origin");
}

std::optional<HttpError> check_token(const GateRules& rules, const net::Request& request) {
  if (rules.tokens.empty()) return std::nullopt;
  if (matching_token(rules, request)) return std::nullopt;
  if (!request.header("authorization") && !request.header("x-api-key"))
    return status_error(401, "This server needs a token: send 'Authorization: Bearer <token>'",
                        "Authorization");
  return status_error(401, "The token is not one of this server's", "Authorization");
}

std::uint64_t account_of(const GateRules& rules, const net::Request& request) {
  const AccessToken* token = matching_token(rules, request);
  return token ? token->account : 0;
}

bool is_operator(const GateRules& rules, std::uint64_t account) {
  return rules.tokens.empty() || rules.tokens.front().account == account;
}

std::optional<HttpError> check_content_type(const net::Request& request) {
  if (!request.header("origin")) return std::nullopt;
  const std::string* type = request.header("content-type");
  if (type && is_json_type(*type)) return std::nullopt;
  return status_error(415, "Content-Type: application/json is required from a web page",
                      "Content-Type");
}

net::Headers cors_headers(const GateRules& rules, const net::Request& request) {
  const std::string* origin = request.header("origin");
  if (!origin || !cors_allows(rules, *origin)) return {};
  return {{"Access-Control-Allow-Origin", *origin},
          {"Access-Control-Expose-Headers", "x-request-id, request-id, Retry-After, x-hearth-lost"},
          {"Vary", "Origin"}};
}

bool is_preflight(const net::Request& request) {
  return request.method == "OPTIONS" && request.header("origin") &&
         request.header("access-control-request-method");
}

net::Response preflight_answer(const GateRules& rules, const net::Request& request) {
  net::Response response{204, "", {}};
  if (cors_headers(rules, request).empty()) return response;  // same origin: nothing to allow
  const std::string* wanted = request.header("access-control-request-headers");
  const bool echo = wanted && safe_header_list(*wanted);
  response.headers = {
      {"Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"},
      {"Access-Control-Allow-Headers", echo ? *wanted : "authorization, content-type, x-api-key"},
      {"Access-Control-Max-Age", "600"}};
  return response;
}

}  // namespace hearth::api
