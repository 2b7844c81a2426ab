#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "net/http.h"
#include "net/proxy.h"
#include "net/url.h"

namespace hearth::net {

/// How long to wait for what, within the time that the Call gives to the whole.
struct Timeouts {
  Millis connect{10'000};     // to one address; the same again for a proxy's answer and for TLS
  Millis first_byte{60'000};  // of the answer, from the last byte of the request that was taken
  Millis between_bytes{60'000};
};

struct ClientRequest {
  std::string method = "GET";
  Scheme scheme = Scheme::Http;
  std::string host = "127.0.0.1";  // a name, or an IPv4 or IPv6 literal
  std::uint16_t port = 0;
  std::string target = "/";
  Headers headers{};
  std::string body{};
  Timeouts timeouts{};
  /// Redirects that are followed; the answer to one more is the answer. Beyond its origin a request
  /// takes only headers along that can hold no secret, and from https it never goes to http.
  int redirects_max = 0;
  std::optional<std::size_t> body_bytes_max{};  // of the answer; above: TooLarge
};

/// A request for a URL; its user, if any, becomes basic authentication.
ClientRequest request_to(const Url& url, std::string method = "GET");

/// Most bytes of an answer that is kept whole.
inline constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;

struct ClientLimits {
  std::size_t transfers_max = 2'048;     // at a time; above: Busy
  std::size_t idle_max = 128;            // kept connections; 0: each ends with its answer
  std::size_t idle_per_origin_max = 32;  // of them
  Millis idle_timeout{55'000};           // servers often close theirs after 60 s
};

struct ClientOptions {
  /// PEM file of the certificate authorities to trust, and a folder of them with OpenSSL's hashed
  /// names. Both empty: the system's own, wherever it has them.
  std::string ca_file{};
  std::string ca_dir{};
  Proxies proxies{};
  std::string user_agent = "hearth/" HEARTH_VERSION;  // unless the request has its own; "": none
  /// Address literals of a name; any thread, may block for seconds. Empty: the system's resolver.
  /// Not asked for literals and "localhost".
  std::function<Result<std::vector<std::string>>(const std::string& host)> lookup{};
  ClientLimits limits{};
};

/// What the environment says: the proxies (read_proxies), SSL_CERT_FILE and SSL_CERT_DIR.
/// Errors: read_proxies'.
Result<ClientOptions> client_options(const std::map<std::string, std::string>& environment);

/// Gets what one transfer brings: a head, pieces of the body (whatever the status), and the end,
/// exactly once; one call at a time, on the net thread: nothing here may block.
class TransferSink {
 public:
  enum class Flow : std::uint8_t { More, Pause };

  virtual ~TransferSink() = default;
  /// The whole request was handed to the connection; from now on the server may act on it.
  virtual void on_sent() {}
  /// Status and headers of the answer; its body is empty.
  virtual void on_head(const Response& head) = 0;
  /// Pause: no more is read until Transfer::resume(). At most 64 KiB at a time.
  virtual Flow on_piece(std::string_view piece) = 0;
  /// How it ended. Errors: Client::fetch's.
  virtual void on_end(const Result<void>& outcome) = 0;
};

/// A request on its way. Destroying it cancels it and silences its sink: once the destructor has
/// returned no call to the sink runs and none will come. Do not hold a lock that the sink takes
/// while destroying it. All of it also inside the sink's calls. May outlive its client.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// Ends it soon with Cancelled, unless it has ended. Any thread.
  virtual void cancel() = 0;
  /// Goes on after Flow::Pause. Any thread.
  virtual void resume() = 0;
};

/// Speaks HTTP/1.1 to other machines, over TLS and through proxies, on one thread for all. Any
/// thread may use it; whoever made it keeps it until all blocking calls have returned.
///
/// TLS is 1.2 or later; the server's certificate must lead to a trusted authority and be for the
/// request's host. Connections are kept and used again; a kept one that turns out to be closed
/// before it gave any byte of an answer is replaced once. All addresses of a name are tried, in
/// turn. Never logs; its errors name host and port, but no query, header or user.
class Client {
 public:
  /// Errors: Unavailable (no thread or descriptor is left).
  static Result<std::unique_ptr<Client>> open(ClientOptions options);
  virtual ~Client() = default;  // cancels all transfers; waits for a name that is looked up (10 s)

  /// Sends one request and blocks until the whole answer is here (at most kAnswerBytesMax). Not on
  /// a net thread. Errors: InvalidInput (host, header or target that is none), Busy (limits),
  /// Unavailable (no such name, cannot connect, refused certificate, broken answer; says why),
  /// Timeout, Cancelled, TooLarge, Denied (a redirect from https to http).
  virtual Result<Response> fetch(const Call& call, const ClientRequest& request) = 0;

  /// The same, handing over the body piece by piece on the calling thread; `on_piece` returns false
  /// to stop (the connection is closed). What is not taken is not read. The result's body is empty,
  /// unless the status is not 2xx. `on_head` may be empty; it comes first, and false stops too.
  virtual Result<Response> fetch_stream(
      const Call& call, const ClientRequest& request,
      const std::function<bool(std::string_view)>& on_piece,
      const std::function<bool(const Response& head)>& on_head = {}) = 0;

  /// Starts one and returns at once. `call` holds for the whole transfer. Errors: those of fetch()
  /// that are known before: InvalidInput, Busy, Unavailable (no certificate authorities).
  virtual Result<std::unique_ptr<Transfer>> start(const Call& call, const ClientRequest& request,
                                                  std::shared_ptr<TransferSink> sink) = 0;
};

/// Sends one request within this machine or its network, over plain HTTP and past any proxy, and
/// blocks until the whole answer is here (at most kAnswerBytesMax). `host` is an IPv4 or IPv6
/// literal or "localhost"; names are not looked up. Any thread but a net thread. Errors:
/// InvalidInput (host, or a line break in a header), Unavailable (cannot connect, broken answer;
/// names host and port), Timeout, Cancelled, TooLarge. Its only time limit is the call's.
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
