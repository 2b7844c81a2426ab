#include "net/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace hearth::net {
namespace {

/// The bytes of an IPv4 or IPv6 address; empty if it is none.
std::vector<unsigned char> address_bytes(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return {bytes.begin(), bytes.begin() + sizeof(in_addr)};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.begin(), bytes.end()};
  return {};
}

bool is_in_network(const std::string& host, const std::string& network, std::string_view bits) {
  const auto address = address_bytes(host);
  const auto base = address_bytes(network);
  std::size_t count = 0;
  const auto [end, status] = std::from_chars(bits.data(), bits.data() + bits.size(), count);
  if (status != std::errc{} || end != bits.data() + bits.size()) return false;
  if (address.empty() || address.size() != base.size() || count > address.size() * 8) return false;
  const std::size_t whole = count / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  base.begin()))
    return false;
  const auto mask = static_cast<unsigned char>(0xff00u >> (count % 8));
  return count % 8 == 0 || ((address[whole] ^ base[whole]) & mask) == 0;
}

/// Takes ":port" off the end of `pattern`; false if it is not `port`.
bool take_port(std::string_view& pattern, std::uint16_t port) {
  const auto colon = pattern.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (pattern.find(':') == colon || pattern.substr(0, colon).ends_with(']'));
  if (!has_port) return true;
  const bool same = pattern.substr(colon + 1) == std::to_string(port);
  pattern = pattern.substr(0, colon);
  return same;
}

bool matches(std::string_view pattern, const Url& url) {
  if (pattern == "*") return true;
  if (!take_port(pattern, url.port)) return false;
  const auto slash = pattern.find('/');
  std::string host(pattern.substr(0, slash));
  std::erase_if(host, [](char c) { return c == '[' || c == ']'; });
  if (slash != std::string_view::npos)
    return is_in_network(url.host, host, pattern.substr(slash + 1));
  const auto bytes = address_bytes(host);
  if (!bytes.empty()) return bytes == address_bytes(url.host);
  if (host.starts_with("*.")) host.erase(0, 1);
  if (host.starts_with('.')) host.erase(0, 1);
  return !host.empty() && (url.host == host || url.host.ends_with("." + host));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  std::string item;
  for (const char c : text) {
    const bool ends = c == ',' || c == ' ' || c == '\t';
    if (!ends) item += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (ends && !item.empty()) items.push_back(std::exchange(item, {}));
  }
  if (!item.empty()) items.push_back(std::move(item));
  return items;
}

struct Variable {
  std::string name, value;
};

Variable find(const std::map<std::string, std::string>& environment, const char* lower,
              const char* upper) {
  for (const char* name : {lower, upper}) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return {name, found->second};
  }
  return {};
}

Result<std::optional<Url>> read_proxy(const Variable& variable) {
  if (variable.value.empty()) return std::optional<Url>();
  const bool has_scheme = variable.value.find("://") != std::string::npos;
  auto url = parse_url(has_scheme ? variable.value : "http://" + variable.value);
  if (url.ok() && url.value().scheme == Scheme::Http)
    return std::optional<Url>(std::move(url).value());
  return Error{Code::InvalidInput,
               variable.name + ": a proxy such as http://proxy.example:3128 is required",
               variable.name};
}

}  // namespace

const Url* Proxies::for_url(const Url& url) const {
  const auto& proxy = url.scheme == Scheme::Https ? https : http;
  if (!proxy || is_loopback_host(url.host)) return nullptr;
  const bool is_direct = std::any_of(direct.begin(), direct.end(), [&](const std::string& pattern) {
    return matches(pattern, url);
  });
  return is_direct ? nullptr : &*proxy;
}

Result<Proxies> read_proxies(const std::map<std::string, std::string>& environment) {
  Proxies proxies;
  TRY(proxies.http, read_proxy(find(environment, "http_proxy", "HTTP_PROXY")));
  TRY(proxies.https, read_proxy(find(environment, "https_proxy", "HTTPS_PROXY")));
  const auto direct = find(environment, "no_proxy", "NO_PROXY");
  proxies.direct = split(direct.value);
  if (proxies.direct.size() <= Proxies::kDirectMax) return proxies;
  return Error{
      Code::TooLarge,
      direct.name + ": at most " + std::to_string(Proxies::kDirectMax) + " hosts are allowed",
      direct.name};
}

}  // namespace hearth::net
