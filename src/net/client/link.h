#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/client/io.h"
#include "net/client/tls.h"

namespace hearth::net {

namespace asio = boost::asio;

/// One connection to another machine, plain or with TLS. It never waits: what cannot be done now
/// says so, and watch() rings once it may be tried again. Net thread only.
class Link : public std::enable_shared_from_this<Link> {
 public:
  explicit Link(asio::io_context& io) : socket_(io) {}
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Who is rung: whoever uses it now. Nobody, with nullptr.
  void on_ready(std::function<void()> ring) { ring_ = std::move(ring); }

  /// Starts connecting. WantsWrite: when that rings, connected() says how it went.
  Io connect(const asio::ip::tcp::endpoint& to);
  Io connected();
  /// From now on TLS is spoken; handshake() comes first. Errors: TlsSession::begin's.
  Result<void> begin_tls(std::shared_ptr<const TlsContext> context, const std::string& host);
  Io handshake() { return tls_->handshake(); }

  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// Rings when what `io` waits for may be there. Any number of times; one wait of each kind runs.
  void watch(Io::Kind wanted);
  void close();
  bool is_open() const { return socket_.is_open(); }

 private:
  void ready(bool& watching);

  asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsSession> tls_{};
  std::function<void()> ring_{};
  bool watching_read_ = false;
  bool watching_write_ = false;
};

}  // namespace hearth::net
