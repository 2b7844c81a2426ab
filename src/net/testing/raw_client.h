#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/call.h"
#include "net/http.h"

namespace hearth::net::testing {

/// For tests: a TCP client that sends exact bytes and shows exact bytes. Every wait ends after
/// kPatience, so that a test that goes wrong fails instead of hanging.
class RawClient {
 public:
  static constexpr Millis kPatience{20'000};

  explicit RawClient(std::uint16_t port, const std::string& host = "127.0.0.1");
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the server does not take all of it.
  bool send(std::string_view bytes);
  /// One answer with Content-Length or chunked body (decoded); status 0 if the connection ended.
  /// `to_head`: no body follows the head.
  Response read_response(bool to_head = false);
  /// Reads until `text` was received (true) or the connection ended.
  bool read_until(std::string_view text);
  /// True if there is something to read, or an end, within this time.
  bool readable_within(Millis time) const;
  /// Everything up to the end of the connection.
  std::string read_all();
  /// True once the server closes, in order or by reset, without sending another byte.
  bool closes_silently();

  void close();       // in order
  void reset();       // RST
  void half_close();  // we send no more
  const std::string& received() const { return received_; }
  int fd() const { return fd_; }

 private:
  bool read_more();
  std::string take(std::size_t count);
  std::string read_chunks();

  int fd_ = -1;
  std::string received_;  // not yet taken
};

/// "GET <path> HTTP/1.1" with a Host header and these extra header lines (each ending in CRLF).
std::string get_request(const std::string& path, const std::string& extra_headers = "");
std::string post_request(const std::string& path, const std::string& body,
                         const std::string& extra_headers = "");

}  // namespace hearth::net::testing
