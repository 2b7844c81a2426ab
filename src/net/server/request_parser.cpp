#include "net/server/request_parser.h"

#include <algorithm>
#include <limits>

#include "net/server/target.h"
#include "net/server/words.h"

namespace hearth::net {
namespace http = boost::beast::http;
namespace {

// "0 CR LF CR LF": as long as a chunked message is not over, at least this much is still to come.
// Beast asserts that it never sees less where a chunk header should be.
constexpr std::size_t kChunkedTailBytes = 5;

}  // namespace

RequestParser::RequestParser(const ServerLimits& limits) : limits_(limits) {
  // The header is counted here: Beast counts it from the last line it has finished.
  parser_.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser_.body_limit(limits.body_bytes_max);
}

RequestParser::State RequestParser::feed(std::string& inbox) {
  std::size_t used = 0;
  if (state_ == State::Empty) {
    // RFC 9112, section 2.2: empty lines before a request line are ignored.
    while (inbox.compare(used, 2, "\r\n") == 0) used += 2;
    const auto rest = std::string_view(inbox).substr(used);
    if (!rest.empty() && rest != "\r") state_ = State::Header;
  }
  bool moving = true;
  while (moving && (state_ == State::Header || state_ == State::Body)) {
    const std::size_t before = used;
    step(std::string_view(inbox).substr(used), used);
    moving = used > before;
  }
  inbox.erase(0, used);
  return state_;
}

Request RequestParser::take() {
  request_.body = std::move(parser_.get().body());
  return std::move(request_);
}

void RequestParser::step(std::string_view bytes, std::size_t& used) {
  if (bytes.empty()) return;
  const bool is_chunked_body = state_ == State::Body && parser_.chunked();
  if (is_chunked_body && bytes.size() < kChunkedTailBytes) return;
  if (state_ == State::Header && has_bare_line_feed(bytes)) {
    return refuse(400, "malformed request: lines must end in CR LF");
  }
  boost::beast::error_code problem;
  const auto count = parser_.put(boost::asio::buffer(bytes), problem);
  used += count;
  if (state_ == State::Header) header_bytes_ += count;
  scanned_bytes_ -= std::min(scanned_bytes_, count);

  if (problem == http::error::need_more) return need_more(bytes.size() - count);
  if (problem == http::error::body_limit) {
    return refuse(413,
                  "the body is larger than " + std::to_string(limits_.body_bytes_max) + " bytes",
                  "body");
  }
  if (problem) return refuse(400, "malformed request: " + problem.message());
  if (state_ == State::Header && parser_.is_header_done()) take_header();
  if (state_ == State::Body && parser_.is_done()) state_ = State::Done;
}

/// Beast looks at a line again only when the whole header is there, so a client that ends its lines
/// in a bare LF would wait for the header timeout. Looks at each byte of the header once.
bool RequestParser::has_bare_line_feed(std::string_view bytes) {
  while (scanned_bytes_ < bytes.size()) {
    const auto end = bytes.find('\n', scanned_bytes_);
    if (end == std::string_view::npos) {
      scanned_bytes_ = bytes.size();
      return false;
    }
    if (end == 0 || bytes[end - 1] != '\r') return true;
    const bool is_empty_line = end == 1 || bytes[end - 2] == '\n';
    if (is_empty_line) return false;  // the rest is body
    scanned_bytes_ = end + 1;
  }
  return false;
}

void RequestParser::need_more(std::size_t waiting_bytes) {
  // In the body only the header of a chunk, or the trailers, can wait for more.
  const auto line_bytes = (state_ == State::Header ? header_bytes_ : 0) + waiting_bytes;
  if (line_bytes < limits_.header_bytes_max) return;
  refuse(431, "the headers are larger than " + std::to_string(limits_.header_bytes_max) + " bytes",
         "headers");
}

void RequestParser::take_header() {
  if (header_bytes_ > limits_.header_bytes_max) return need_more(0);
  const auto& header = parser_.get();
  request_.method = std::string(header.method_string());
  request_.target = std::string(header.target());
  // Copied now, so that trailers, which Beast adds to the same list, never count as headers.
  for (const auto& field : header) {
    request_.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  keep_alive_ = header.keep_alive();

  auto target = parse_target(request_.target);
  if (!target.ok()) return refuse(400, target.error().message);
  request_.path = std::move(target.value().path);
  request_.query = std::move(target.value().query);
  if (check_codings() && check_host() && check_expect()) state_ = State::Body;
}

bool RequestParser::check_codings() {
  std::size_t codings = 0;
  for (const auto& [name, value] : request_.headers) {
    if (!same_word(name, "Transfer-Encoding")) continue;
    if (is_http_1_0()) {
      refuse(400, "Transfer-Encoding is not part of HTTP/1.0");
      return false;
    }
    // Beast would take "chunked, gzip" for no body at all, and "gzip, chunked" for plain bytes.
    if (++codings > 1 || !same_word(value, "chunked")) {
      refuse(501, "the only transfer coding here is chunked");
      return false;
    }
  }
  return true;
}

bool RequestParser::check_host() {
  if (is_http_1_0()) return true;
  std::size_t hosts = 0;
  for (const auto& [name, value] : request_.headers) hosts += same_word(name, "Host") ? 1 : 0;
  if (hosts == 1) return true;
  refuse(400, hosts == 0 ? "the Host header is missing" : "there is more than one Host header");
  return false;
}

bool RequestParser::check_expect() {
  const std::string* expectation = request_.header("Expect");
  if (!expectation || is_http_1_0()) return true;  // RFC 9110, section 10.1.1: 1.0 ignores it
  if (same_word(*expectation, "100-continue")) {
    expects_continue_ = true;
    return true;
  }
  refuse(417, "the only expectation here is 100-continue");
  return false;
}

void RequestParser::refuse(int status, std::string message, std::string field) {
  state_ = State::Failed;
  // As it was sent: a body that is too large is refused before the target is looked at.
  const auto target = parser_.get().target();
  refusal_ = Refusal{.status = status,
                     .message = std::move(message),
                     .field = std::move(field),
                     .path = std::string(target.substr(0, target.find('?')))};
}

}  // namespace hearth::net
