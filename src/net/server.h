#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "net/http.h"

namespace hearth::net {

struct ServerLimits {
  std::size_t body_bytes_max = 8 * 1024 * 1024;  // above: 413
  std::size_t header_bytes_max = 16 * 1024;      // above: 431
  std::size_t connections_max = 1'024;           // above: refused with 503 and closed
  std::size_t unsent_bytes_max = 1024 * 1024;    // of one streaming answer
  Millis header_timeout{10'000};                 // a whole header must arrive in this time (408)
  Millis body_timeout{60'000};                   // and the body (408)
  Millis idle_timeout{75'000};                   // keep-alive between requests
  Millis write_timeout{30'000};  // a client that takes no byte for this long is dropped
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;         // 0: any free one
  int workers = 4;                // threads that run handlers
  std::size_t pending_max = 256;  // requests waiting for a worker; above: 503
  ServerLimits limits{};
  /// Answers what takes no work, such as a health check, on the net thread, without a worker: also
  /// while all workers are busy, and at a fraction of the cost. nullopt: the handler is asked. Must
  /// not block, nor take longer than 0.1 ms.
  std::function<std::optional<Response>(const Request&)> at_once{};
  /// Body of an HTTP-level error (400 malformed, 408, 413, 417, 431, 501, 503), so that it looks
  /// like the handler's own. `field` names what was too large ("body", "headers") or is empty;
  /// `path` is the request's as it was sent, empty if that is not known.
  std::function<std::string(int status, const std::string& message, const std::string& field,
                            const std::string& path)>
      error_body{};
};

/// An HTTP/1.1 server: one net thread with coroutines, a few workers for plain handlers.
class Server {
 public:
  /// Binds and starts serving. Errors: Unavailable (address in use or not ours; names host and
  /// port; or no descriptors or threads are left), InvalidInput (host is no address).
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler);
  virtual ~Server() = default;  // drops all connections, then joins its threads

  virtual std::uint16_t port() const = 0;
  /// Requests being answered now.
  virtual std::size_t in_flight() const = 0;
  virtual std::size_t connections() const = 0;

  /// Closes the listening socket and idle connections; running answers go on and close their
  /// connection at the end ("Connection: close").
  virtual void stop_accepting() = 0;
  /// Waits until no request is in flight. Errors: Timeout, Cancelled.
  virtual Result<void> drain(const Call& call) = 0;
};

}  // namespace hearth::net
