#pragma once
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/http.h"

namespace hearth::net {

/// Makes one Response from the bytes of a connection, piece by piece. No I/O.
class ResponseReader {
 public:
  struct Options {
    bool to_head = false;  // the request was HEAD: no body follows
    std::optional<std::size_t> body_bytes_max{};
  };
  explicit ResponseReader(Options options);

  /// Errors: Unavailable (malformed), TooLarge (body, or the headers).
  Result<void> feed(std::string_view bytes);
  /// The connection has ended. Errors: Unavailable (in the middle of an answer).
  Result<void> feed_end();

  bool has_head() const { return parser_ && parser_->is_header_done(); }
  bool done() const { return parser_ && parser_->is_done(); }
  int status() const { return static_cast<int>(parser_->get().result_int()); }
  /// The part of the body that came since the last call.
  std::string take_body() { return std::exchange(parser_->get().body(), {}); }
  /// Any byte has come.
  bool has_begun() const { return has_begun_; }
  /// Done, and the connection may be used for another request.
  bool leaves_reusable() const { return done() && parser_->keep_alive() && inbox_.empty(); }
  /// Status and headers.
  Response head() const;

 private:
  using Parser = boost::beast::http::response_parser<boost::beast::http::string_body>;
  void restart();
  Result<void> step(std::size_t& used);

  const Options options_;
  std::optional<Parser> parser_;
  std::string inbox_;
  bool has_begun_ = false;
  int interim_answers_ = 0;  // 1xx before the real one
};

}  // namespace hearth::net
