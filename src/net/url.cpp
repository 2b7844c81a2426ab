#include "net/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "net/percent.h"

namespace hearth::net {
namespace {

constexpr std::string_view kUnreserved = "-._~";
constexpr std::string_view kTargetMarks = "-._~%!$&'()*+,;=:@/?[]";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_v6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error bad(const char* problem) { return {Code::InvalidInput, problem, "url"}; }

Result<std::uint16_t> read_port(std::string_view text, Scheme scheme) {
  if (text.empty()) return default_port(scheme);
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (status != std::errc{} || end != text.data() + text.size() || port == 0)
    return bad("the URL's port is not a number from 1 to 65535");
  return port;
}

Result<std::string> read_host(std::string_view text) {
  std::string host(text);
  std::transform(host.begin(), host.end(), host.begin(), lower);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (is_v6(host)) return host;
    return bad("the URL's host is no IPv6 address");
  }
  if (host.ends_with('.')) host.pop_back();
  const bool fine = std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || kUnreserved.find(c) != std::string_view::npos;
  });
  if (host.empty() || host.size() > kHostBytesMax || !fine)
    return bad("the URL has no host, or one with characters that no host has");
  return host;
}

/// "user:password@host:port", between "//" and the path.
Result<void> read_authority(std::string_view text, Url& url) {
  const auto at = text.rfind('@');
  if (at != std::string_view::npos) {
    TRY(url.user, percent_decoded(text.substr(0, at), "the URL's user"));
    text.remove_prefix(at + 1);
  }
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  TRY(url.host, read_host(text.substr(0, colon)));
  const auto port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  TRY(url.port, read_port(port, url.scheme));
  return ok();
}

Result<std::string> read_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || kTargetMarks.find(c) != std::string_view::npos;
  });
  if (!fine) return bad("the URL's path holds a character that has to be percent-encoded");
  if (text.starts_with('/')) return std::string(text);
  return "/" + std::string(text);
}

std::optional<Scheme> read_scheme(std::string_view& text) {
  std::string start(text.substr(0, 8));
  std::transform(start.begin(), start.end(), start.begin(), lower);
  const bool secure = start.starts_with("https://");
  if (!secure && !start.starts_with("http://")) return std::nullopt;
  text.remove_prefix(secure ? 8 : 7);
  return secure ? Scheme::Https : Scheme::Http;
}

/// "/a/b/../c" is "/a/c". Source: RFC 3986, section 5.2.4.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_open = false;  // after "." or ".." a "/" stays
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    ends_open = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!ends_open) kept.push_back(segment);
    at = end + 1;
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  return ends_open || out.empty() ? out + "/" : out;
}

}  // namespace

std::uint16_t default_port(Scheme scheme) { return scheme == Scheme::Https ? 443 : 80; }

std::string authority_text(std::string_view host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  std::string text = bare_v6 ? "[" + std::string(host) + "]" : std::string(host);
  return text + ":" + std::to_string(port);
}

std::string Url::origin() const {
  const std::string start = scheme == Scheme::Https ? "https://" : "http://";
  const std::string whole = authority_text(host, port);
  return start + (port == default_port(scheme) ? whole.substr(0, whole.rfind(':')) : whole);
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kUrlBytesMax)
    return Error{Code::TooLarge, "a URL has at most " + std::to_string(kUrlBytesMax) + " bytes",
                 "url"};
  const auto scheme = read_scheme(text);
  if (!scheme) return bad("a URL that starts with http:// or https:// is required");
  Url url{.scheme = *scheme};
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  TRY_VOID(read_authority(text.substr(0, end), url));
  TRY(url.target, read_target(text.substr(end)));
  return url;
}

Result<Url> resolve_reference(const Url& base, std::string_view reference) {
  if (reference.size() > kUrlBytesMax) return parse_url(reference);  // says that it is too large
  auto rest = reference;
  if (read_scheme(rest)) return parse_url(reference);
  // "mailto:x", but not "a/b:c", which is a path.
  const auto colon = reference.find_first_of(":/?#");
  if (colon != std::string_view::npos && reference[colon] == ':') return parse_url(reference);
  if (reference.starts_with("//")) {
    const std::string scheme = base.scheme == Scheme::Https ? "https:" : "http:";
    return parse_url(scheme + std::string(reference));
  }
  Url url = base;
  url.user.clear();
  const std::string base_path = base.target.substr(0, base.target.find('?'));
  std::string whole(reference.substr(0, reference.find('#')));
  if (whole.empty()) whole = base.target;
  if (whole.front() == '?') whole = base_path + whole;
  if (whole.front() != '/') whole = base_path.substr(0, base_path.rfind('/') + 1) + whole;
  TRY(whole, read_target(whole));
  const auto query = std::min(whole.find('?'), whole.size());
  url.target = without_dots(whole.substr(0, query)) + whole.substr(query);
  return url;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host == "::1" || host == "[::1]") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace hearth::net
