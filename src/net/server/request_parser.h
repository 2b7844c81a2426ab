#pragma once
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "net/http.h"
#include "net/server.h"

namespace hearth::net {

/// Why a request is not taken, as an HTTP status and words for it.
struct Refusal {
  int status = 400;
  std::string message{};
  std::string field{};  // what was too large ("body", "headers"), or empty
  std::string path{};   // as sent; empty if it did not come so far
};

/// Makes one Request from the bytes of a connection and refuses what breaks a rule or a limit. No
/// I/O and no clock, so that every limit can be tested at its edge. Framing is Beast's, with the
/// gaps that matter closed here: transfer codings other than "chunked", trailers (dropped), chunk
/// headers without end, and targets. Source: RFC 9112.
class RequestParser {
 public:
  enum class State {
    Empty,   // no byte of a request yet
    Header,  // inside the header
    Body,    // the header is whole and good
    Done,    // take() gives the request
    Failed,  // refusal() says why; the connection cannot go on
  };

  /// `limits` must outlive this.
  explicit RequestParser(const ServerLimits& limits);

  /// Takes what it can from the front of `inbox`; what stays there is an incomplete line, or the
  /// next request. Call it again when more has been added.
  State feed(std::string& inbox);

  const Refusal& refusal() const { return refusal_; }
  Request take();

  // What the connection must know about the request; set once State is Body or Done.
  bool keep_alive() const { return keep_alive_; }
  bool is_http_1_0() const { return parser_.get().version() < 11; }
  bool expects_continue() const { return expects_continue_; }

 private:
  void step(std::string_view bytes, std::size_t& used);
  bool has_bare_line_feed(std::string_view bytes);
  void need_more(std::size_t waiting_bytes);
  void take_header();
  bool check_codings();
  bool check_host();
  bool check_expect();
  void refuse(int status, std::string message, std::string field = {});

  const ServerLimits& limits_;
  boost::beast::http::request_parser<boost::beast::http::string_body> parser_;
  State state_ = State::Empty;
  std::size_t header_bytes_ = 0;   // taken from the inbox
  std::size_t scanned_bytes_ = 0;  // of the inbox, by has_bare_line_feed()
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  Request request_;
  Refusal refusal_;
};

}  // namespace hearth::net
