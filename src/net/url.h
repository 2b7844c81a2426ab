#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

/// Where a request goes. Pure; any thread. Source: RFC 3986.
namespace hearth::net {

enum class Scheme : std::uint8_t { Http, Https };

inline constexpr std::size_t kUrlBytesMax = 8 * 1024;
inline constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, without the final dot

/// An absolute http or https URL, taken apart.
struct Url {
  Scheme scheme = Scheme::Https;
  std::string user{};        // "user:password", percent-decoded; a secret
  std::string host{};        // lower case; an IPv6 literal without its brackets
  std::uint16_t port = 0;    // never 0 after parse_url
  std::string target = "/";  // path and query as they are sent; the query may hold a secret

  /// "https://example.org", with the port unless it is the scheme's own: what may be shown of it.
  std::string origin() const;
};

std::uint16_t default_port(Scheme scheme);

/// "example.org:443" or "[::1]:80".
std::string authority_text(std::string_view host, std::uint16_t port);

/// Reads an absolute URL; a fragment is dropped. Errors, none of which quotes more than the scheme
/// or the host: InvalidInput (no http or https, no host, a port out of range, a character that has
/// to be escaped), TooLarge (above kUrlBytesMax).
Result<Url> parse_url(std::string_view text);

/// The URL that `reference`, such as a Location header, means in an answer from `base`: absolute,
/// or one without scheme ("//host/x"), host ("/x") or leading path ("x", "?x"). Errors:
/// parse_url's.
Result<Url> resolve_reference(const Url& base, std::string_view reference);

/// Whether a host is this machine itself: 127.0.0.0/8, ::1, "localhost", "*.localhost".
bool is_loopback_host(std::string_view host);

}  // namespace hearth::net
