#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "net/http.h"

namespace hearth::net {

struct ClientRequest {
  std::string method = "GET";
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string target = "/";
  Headers headers{};
  std::string body{};
};

/// Sends one request over plain HTTP and blocks until the whole answer is here (at most 64 MiB).
/// Not on a net thread. Errors: Unavailable (cannot connect, broken answer), Timeout, Cancelled, TooLarge.
Result<Response> fetch(const Call& call, const ClientRequest& request);

/// The same, handing over the body piece by piece as it arrives; `on_piece` returns false to stop
/// (the connection is closed). The result's body is empty, unless the status is not 2xx.
Result<Response> fetch_stream(const Call& call, const ClientRequest& request,
                              const std::function<bool(std::string_view)>& on_piece);

/// Splits a Server-Sent Events stream into the data of its events. Feed it pieces as they come.
/// Source: WHATWG HTML, section 9.2.6 (only `data` is kept).
class EventStreamParser {
 public:
  /// Calls `on_data` once for each event completed by this piece.
  void feed(std::string_view piece, const std::function<void(std::string_view data)>& on_data);

 private:
  std::string line_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace hearth::net
