#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/errors.h"
#include "net/http.h"
#include "vault/secret.h"

/// Who may talk to this server: pure checks of one request's headers, done before anything else.
/// The Host check stops DNS rebinding (a web page whose name was pointed at 127.0.0.1), the Origin
/// check stops web pages from other places, the token check stops everybody else.
namespace hearth::api {

/// One token that opens the door, and the number of the account that it stands for: never 0.
struct AccessToken {
  explicit AccessToken(std::string text);
  std::uint64_t account;
  vault::Secret secret;
};

struct GateRules {
  std::string bound_host;                   // the address the server listens on
  std::vector<std::string> hosts{};         // further names accepted in Host
  std::vector<std::string> cors_origins{};  // "https://app.example", or "*"
  std::vector<AccessToken> tokens{};        // empty: no authentication
};

/// "localhost:11435" -> {"localhost", "11435"}; "[::1]" -> {"::1", ""}. Lower case, one trailing
/// dot removed. nullopt: not a host and port.
struct HostPort {
  std::string host, port;
  bool operator==(const HostPort&) const = default;
};
std::optional<HostPort> split_host(std::string_view text);

/// localhost, *.localhost, 127.0.0.0/8 or ::1.
bool is_loopback_host(std::string_view host);
/// An IPv4 or IPv6 address in numbers.
bool is_address(std::string_view host);

/// nullopt: may pass. 403 otherwise.
std::optional<HttpError> check_host(const GateRules& rules, const net::Request& request);
/// A request without Origin passes: it is no browser's, or a browser's own same-origin GET.
std::optional<HttpError> check_origin(const GateRules& rules, const net::Request& request);
/// 401 unless a token matches `Authorization: Bearer` or `X-Api-Key`. Every token is compared, in
/// constant time.
std::optional<HttpError> check_token(const GateRules& rules, const net::Request& request);
/// The account of the token that the request shows, 0 if it shows none. For fairness, and
/// for what is somebody's own.
std::uint64_t account_of(const GateRules& rules, const net::Request& request);
/// Whether the account is the operator's own: that of the first token, which Hearth's own commands
/// show; without tokens everybody is.
bool is_operator(const GateRules& rules, std::uint64_t account);
/// A body sent by a web page must say that it is JSON (415), since only then does the browser ask
/// first. Others may say what they like: `curl -d` names a form.
std::optional<HttpError> check_content_type(const net::Request& request);

/// Headers that let the page at Origin read the answer; empty when CORS is off or not for it.
net::Headers cors_headers(const GateRules& rules, const net::Request& request);
/// True for a browser's question before a CORS request; `preflight_answer` is for one that may
/// pass.
bool is_preflight(const net::Request& request);
net::Response preflight_answer(const GateRules& rules, const net::Request& request);

}  // namespace hearth::api
