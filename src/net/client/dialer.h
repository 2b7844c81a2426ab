#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "net/client/bell.h"
#include "net/client/link.h"
#include "net/client/request_text.h"
#include "net/client/resolver.h"

namespace hearth::net {

/// What all transfers of one client share on its net thread; the client owns it and outlives them.
struct NetThread {
  asio::io_context& io;
  Resolver& resolver;
  std::array<char, 64 * 1024> scratch{};  // what one read may bring; connections hold no buffers
};

/// Makes one connection: looks the name up, tries its addresses in turn, asks the proxy, begins
/// TLS. Net thread only.
class Dialer {
 public:
  /// `tls` is needed for https. All but it are the caller's and outlive the dialer. `bell` is rung
  /// by the dialer's things, and only waited at while dial() runs.
  Dialer(NetThread& net, const std::shared_ptr<Bell>& bell, const Route& route,
         std::shared_ptr<const TlsContext> tls, Millis timeout)
      : net_(net), bell_(bell), route_(route), tls_(std::move(tls)), timeout_(timeout) {}

  /// Errors: Unavailable (says which part failed, and names the proxy if it did), Timeout,
  /// Cancelled.
  asio::awaitable<Result<std::shared_ptr<Link>>> dial();

 private:
  asio::awaitable<Result<Addresses>> look_up(std::string host);
  asio::awaitable<Result<std::shared_ptr<Link>>> reach(Addresses addresses, std::uint16_t port);
  asio::awaitable<Result<void>> connect(Link& link, asio::ip::tcp::endpoint to);
  asio::awaitable<Result<void>> prepare(Link& link);
  asio::awaitable<Result<void>> open_tunnel(Link& link);
  asio::awaitable<Result<int>> tunnel_status(Link& link);
  asio::awaitable<Result<void>> begin_tls(Link& link);

  NetThread& net_;
  const std::shared_ptr<Bell>& bell_;
  const Route& route_;
  const std::shared_ptr<const TlsContext> tls_;
  const Millis timeout_;  // of each step
};

}  // namespace hearth::net
