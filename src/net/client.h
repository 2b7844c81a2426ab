#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

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
/// `host` is an IPv4 or IPv6 literal or "localhost"; names are not looked up. Any thread but a net
/// thread. Errors: InvalidInput (host, or a line break in a header), Unavailable (cannot connect,
/// broken answer; names host and port), Timeout, Cancelled, TooLarge.
Result<Response> fetch(const Call& call, const ClientRequest& request);

/// The same, handing over the body piece by piece as it arrives; `on_piece` returns false to stop
/// (the connection is closed). The result's body is empty, unless the status is not 2xx.
Result<Response> fetch_stream(const Call& call, const ClientRequest& request,
                              const std::function<bool(std::string_view)>& on_piece);

/// Splits a Server-Sent Events stream into the data of its events. Feed it pieces as they come, cut
/// anywhere. Lines end in "\n", "\r\n" or "\r"; an event without `data` is no event, and one that
/// the stream leaves unfinished is dropped. Source: WHATWG HTML, section 9.2.6 (only `data` is
/// kept).
class EventStreamParser {
 public:
  /// Longest line, and longest data of one event. An event beyond it is dropped whole.
  static constexpr std::size_t kLineBytesMax = 16 * 1024 * 1024;

  /// Calls `on_data` once for each event completed by this piece.
  void feed(std::string_view piece, const std::function<void(std::string_view data)>& on_data);

  /// How many events were dropped because they were too long.
  std::size_t lost_events() const { return lost_events_; }

 private:
  void add_to_line(std::string_view text);
  void end_line(const std::function<void(std::string_view data)>& on_data);
  void take_field(std::string_view line);
  void lose_event();

  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_return_ = false;  // a '\n' now belongs to the line end before it
  bool first_line_ = true;     // may start with a byte order mark
  bool lost_ = false;          // this event is too long
  std::size_t lost_events_ = 0;
};

}  // namespace hearth::net
