#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// One request, whole. The body is at most ServerLimits::body_bytes_max.
struct Request {
  std::string method;  // "GET", upper case as sent
  std::string target;  // as sent: "/v1/models?x=1"
  std::string path;    // "/v1/models", percent-decoded
  std::string query;   // "x=1", as sent
  Headers headers;
  std::string body;
  std::string peer;  // "127.0.0.1:41234"

  /// The first header of this name, whatever its case; nullptr if there is none.
  const std::string* header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body{};
  Headers headers{};  // Content-Type defaults to application/json; Content-Length is added;
                      // "Connection: close" ends the connection after it

  /// The first header of this name, whatever its case; nullptr if there is none.
  const std::string* header(std::string_view name) const;
};

/// The answer to one request, given from any thread, at once or later. Exactly one of respond() or
/// begin() … end() is called; a second answer is logged and ignored. Dropping the last reference
/// without an answer sends 500; without end(), it cuts the connection, so that the client can tell
/// that the answer is not whole. It may outlive the server; then its calls do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Sends a whole answer. Never blocks.
  virtual void respond(Response response) = 0;

  /// Starts an answer that is made over time (chunked; Server-Sent Events by convention, which is
  /// also the default Content-Type). The answer to HEAD ends here: stop() fires.
  virtual void begin(int status, Headers headers) = 0;
  /// Adds to it. Never blocks: what a slow client has not taken yet is kept up to
  /// ServerLimits::unsent_bytes_max; above that, or when the client is gone, returns false, the
  /// connection is dropped and stop() fires.
  virtual bool write(std::string piece) = 0;
  virtual void end() = 0;

  /// Fires when the client is gone or the server gives up on it: stop paying for tokens nobody
  /// reads. A client that only closes its sending side counts as gone, but still gets a whole
  /// answer if one is given. Callbacks run on the net thread, or in write(): they must not block.
  virtual std::stop_token stop() const = 0;
};

/// Takes one request. Runs on a worker thread: it may block briefly, never for a whole generation;
/// for that it keeps the exchange and answers later.
using Handler = std::function<void(const Request&, std::shared_ptr<Exchange>)>;

}  // namespace hearth::net
