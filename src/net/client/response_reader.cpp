#include "net/client/response_reader.h"

#include <boost/asio/buffer.hpp>

namespace hearth::net {
namespace http = boost::beast::http;
namespace {

constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kLineBytesMax = 64 * 1024;  // header of one chunk, or trailers
constexpr int kInterimAnswersMax = 8;
// "0 CR LF CR LF": as long as a chunked message is not over, at least this much is still to come.
// Beast asserts that it never sees less where a chunk header should be.
constexpr std::size_t kChunkedTailBytes = 5;

}  // namespace

ResponseReader::ResponseReader(Options options) : options_(options) { restart(); }

void ResponseReader::restart() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytesMax);
  parser_->skip(options_.to_head);
  if (options_.body_bytes_max) {
    parser_->body_limit(*options_.body_bytes_max);
  } else {
    parser_->body_limit(boost::none);
  }
}

Result<void> ResponseReader::feed(std::string_view bytes) {
  has_begun_ = true;
  inbox_.append(bytes);
  std::size_t used = 0;
  std::size_t before = 0;
  do {
    before = used;
    TRY_VOID(step(used));
  } while (used > before && !done());
  inbox_.erase(0, used);
  return ok();
}

Result<void> ResponseReader::step(std::size_t& used) {
  const auto rest = std::string_view(inbox_).substr(used);
  if (rest.empty() || done()) return ok();
  if (has_head() && parser_->chunked() && rest.size() < kChunkedTailBytes) return ok();
  boost::beast::error_code problem;
  used += parser_->put(boost::asio::buffer(rest), problem);
  if (problem == http::error::body_limit) {
    return Error{Code::TooLarge, "the answer is larger than " +
                                     std::to_string(options_.body_bytes_max.value_or(0)) +
                                     " bytes"};
  }
  if (problem == http::error::header_limit) {
    return Error{Code::TooLarge, "the headers of the answer are too large"};
  }
  if (problem && problem != http::error::need_more) {
    return Error{Code::Unavailable, "the answer is not HTTP: " + problem.message()};
  }
  if (has_head() && !done() && inbox_.size() - used > kLineBytesMax && problem) {
    return Error{Code::Unavailable, "the answer has a chunk header without end"};
  }
  if (done() && status() / 100 == 1) {
    if (++interim_answers_ > kInterimAnswersMax) {
      return Error{Code::Unavailable, "the answer never came, only interim ones"};
    }
    restart();
  }
  return ok();
}

Result<void> ResponseReader::feed_end() {
  boost::beast::error_code problem;
  if (!parser_->got_some()) {
    return Error{Code::Unavailable, "the server closed the connection without an answer"};
  }
  parser_->put_eof(problem);
  if (!problem) return ok();
  return Error{Code::Unavailable, "the server closed the connection in the middle of its answer"};
}

Response ResponseReader::head() const {
  Response response{.status = status()};
  for (const auto& field : parser_->get()) {
    response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return response;
}

}  // namespace hearth::net
