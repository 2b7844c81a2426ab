#include "net/server/connection.h"

#include <poll.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace hearth::net {
namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;
using State = RequestParser::State;

constexpr auto kNever = Clock::time_point::max();
// While a body arrives its bytes leave the inbox at once, so a large one only saves reads.
constexpr std::size_t kBodyInboxBytes = 64 * 1024;
// After the last byte of the last answer: closing at once would, with unread bytes, reset the
// connection, and the client could lose the answer. RFC 9112, section 9.6.
constexpr Millis kLingerTime{2'000};
constexpr std::size_t kLingerBytesMax = 64 * 1024 * 1024;
// How often to look for the end behind pipelined requests that nobody reads yet.
constexpr Millis kLookInterval{500};

std::string address_text(const tcp::socket& socket) {
  error_code problem;
  const auto peer = socket.remote_endpoint(problem);
  if (problem) return "unknown";
  const auto host = peer.address().to_string();
  const bool brackets = peer.address().is_v6();
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(peer.port());
}

}  // namespace

std::string Common::error_body(const Refusal& refusal) const {
  if (options.error_body)
    return options.error_body(refusal.status, refusal.message, refusal.field, refusal.path);
  return R"({"error":")" + refusal.message + "\"}";
}

std::optional<Response> Common::at_once(const Request& request) const {
  return options.at_once ? options.at_once(request) : std::nullopt;
}

Connection::Connection(tcp::socket socket, Common& common)
    : socket_(std::move(socket)),
      common_(common),
      bell_(socket_.get_executor()),
      peer_(address_text(socket_)),
      inbox_bytes_max_(common.options.limits.header_bytes_max) {
  error_code ignored;  // a socket that cannot do this is broken, and the first read says so
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
}

asio::awaitable<void> Connection::serve() {
  bool open = true;
  while (open) {
    RequestParser parser(common_.options.limits);
    open = co_await read_request(parser);
    if (open) open = co_await answer_request(parser);
  }
  co_await linger();
}

asio::awaitable<void> Connection::refuse() {
  Refusal refusal{.status = 503, .message = "there are too many connections"};
  co_await send_error(std::move(refusal), false);
  co_await linger();
}

void Connection::drop() {
  broken_ = true;
  error_code ignored;
  socket_.close(ignored);
  if (answer_) answer_->abandon();
  ring();
}

// ---- Reading ----

asio::awaitable<bool> Connection::read_request(RequestParser& parser) {
  const auto& limits = common_.options.limits;
  auto state = State::Empty;
  is_head_ = false;
  inbox_bytes_max_ = limits.header_bytes_max;
  if (inbox_.empty()) std::string().swap(inbox_);  // an idle connection holds no buffer
  deadline_ = Clock::now() + limits.idle_timeout;
  while (!broken_) {
    const auto before = std::exchange(state, parser.feed(inbox_));
    if (state == State::Done) co_return true;
    if (state == State::Failed) {
      auto refusal = parser.refusal();
      co_await send_error(std::move(refusal), false);
      co_return false;
    }
    if (state != before) {
      const bool sent = co_await on_state(parser, state);
      if (!sent) co_return false;
    }
    if (ended_) co_return false;  // nobody waits for the answer to half a request
    if (state == State::Empty && common_.closing) co_return false;
    if (Clock::now() >= deadline_) co_return co_await request_timed_out(state);
    watch();
    co_await wait(deadline_);
  }
  co_return false;
}

asio::awaitable<bool> Connection::on_state(const RequestParser& parser, State state) {
  const auto& limits = common_.options.limits;
  if (state == State::Header) deadline_ = Clock::now() + limits.header_timeout;
  if (state == State::Body) {
    deadline_ = Clock::now() + limits.body_timeout;
    inbox_bytes_max_ = kBodyInboxBytes;
    if (parser.expects_continue()) {
      co_return co_await send(std::string("HTTP/1.1 100 Continue\r\n\r\n"), std::string());
    }
  }
  co_return true;
}

asio::awaitable<bool> Connection::request_timed_out(State state) {
  if (state == State::Empty) co_return false;  // idle: closes without a word
  const char* part = state == State::Header ? "headers" : "body";
  Refusal refusal{.status = 408, .message = std::string("the ") + part + " did not arrive in time"};
  co_await send_error(std::move(refusal), false);
  co_return false;
}

void Connection::watch() {
  if (watching_ || ended_ || broken_ || inbox_is_full()) return;
  watching_ = true;
  socket_.async_wait(tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& problem) {
                       self->watching_ = false;
                       self->on_readable(problem);
                     });
}

void Connection::on_readable(const error_code& problem) {
  if (problem || broken_) {
    broken_ = true;
    return ring();
  }
  const auto room = std::min(inbox_bytes_max_ - std::min(inbox_bytes_max_, inbox_.size()),
                             common_.scratch.size());
  if (room == 0) return;
  error_code failure;
  const auto count = socket_.read_some(asio::buffer(common_.scratch.data(), room), failure);
  inbox_.append(common_.scratch.data(), count);
  if (failure == asio::error::eof) {
    on_end_of_file();
  } else if (failure && failure != asio::error::would_block) {
    drop();
  }
  ring();
  watch();
}

void Connection::on_end_of_file() {
  ended_ = true;
  if (answer_) answer_->client_left();
}

void Connection::look_past_full_inbox() {
  if (!inbox_is_full() || ended_) return;
  pollfd look{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&look, 1, 0) > 0) on_end_of_file();
}

// ---- Answering ----

asio::awaitable<bool> Connection::answer_request(RequestParser& parser) {
  auto request = parser.take();
  request.peer = peer_;
  keep_alive_ = parser.keep_alive();
  is_http_1_0_ = parser.is_http_1_0();
  is_head_ = request.method == "HEAD";
  inbox_bytes_max_ = common_.options.limits.header_bytes_max;

  if (auto response = common_.at_once(request)) {
    const bool sent = co_await send_whole(*std::move(response));
    co_return sent&& keep_alive_;
  }
  const InFlight::Guard counted(common_.in_flight);
  auto wake = [home = socket_.get_executor(), weak = weak_from_this()] {
    asio::post(home, [weak] {
      if (const auto self = weak.lock()) self->ring();
    });
  };
  answer_ = std::make_shared<Answer>(common_.options.limits.unsent_bytes_max, std::move(wake));
  if (ended_) answer_->client_left();
  if (!common_.workers.try_push({std::move(request), answer_})) {
    answer_.reset();
    Refusal refusal{.status = 503, .message = "the server is busy; try again later"};
    const bool sent = co_await send_error(std::move(refusal), stays_open());
    co_return sent&& keep_alive_;
  }
  const bool complete = co_await deliver();
  complete ? answer_->close() : answer_->abandon();
  answer_.reset();
  co_return complete&& keep_alive_;
}

/// True once the whole answer is with the client.
asio::awaitable<bool> Connection::deliver() {
  bool streaming = false;
  while (!broken_) {
    auto step = answer_->take();
    switch (step.kind) {
      case Answer::Step::Kind::Nothing:
        look_past_full_inbox();
        if (streaming && ended_) co_return false;  // its pieces are for nobody
        watch();
        co_await wait(inbox_is_full() && !ended_ ? Clock::now() + kLookInterval : kNever);
        break;
      case Answer::Step::Kind::Whole: co_return co_await send_whole(std::move(step.response));
      case Answer::Step::Kind::Stream: {
        streaming = true;
        const bool ends = step.ends || is_head_;
        const bool sent = co_await send_stream(std::move(step));
        if (!sent || ends) co_return sent;
        break;
      }
      case Answer::Step::Kind::Failed: {
        Refusal refusal{.status = 500, .message = "the server failed to answer"};
        co_return co_await send_error(std::move(refusal), stays_open());
      }
      case Answer::Step::Kind::Broken: broken_ = true; break;
    }
  }
  co_return false;
}

asio::awaitable<bool> Connection::send_whole(Response response) {
  keep_alive_ = stays_open() && !asks_to_close(response.headers);
  const Framing framing{
      .body = Framing::Body::Sized, .size_bytes = response.body.size(), .keep_alive = keep_alive_};
  auto head = response_head(response.status, response.headers, "application/json", framing);
  if (is_head_ || has_no_body(response.status)) response.body.clear();
  co_return co_await send(std::move(head), std::move(response.body));
}

asio::awaitable<bool> Connection::send_stream(Answer::Step step) {
  if (ended_) co_return false;  // stop() has fired; pieces are for nobody
  std::string head;
  if (step.begins) {
    keep_alive_ = stays_open() && !is_http_1_0_;
    const Framing framing{.body = is_http_1_0_ ? Framing::Body::UntilClose : Framing::Body::Chunked,
                          .keep_alive = keep_alive_};
    head = response_head(step.response.status, step.response.headers, "text/event-stream", framing);
  }
  if (is_head_) {
    answer_->abandon();  // the head is the whole answer: nobody reads the pieces
    co_return co_await send(std::move(head), std::string());
  }
  auto body = is_http_1_0_ ? std::move(step.bytes) : chunk(step.bytes);
  if (step.ends && !is_http_1_0_) body += kLastChunk;
  co_return co_await send(std::move(head), std::move(body));
}

asio::awaitable<bool> Connection::send_error(Refusal refusal, bool keep_alive) {
  Response response{.status = refusal.status, .body = common_.error_body(refusal)};
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  keep_alive_ = keep_alive;
  co_return co_await send_whole(std::move(response));
}

// ---- Writing ----

/// True once the kernel has all of it; false when the client has gone or takes nothing.
asio::awaitable<bool> Connection::send(std::string head, std::string body) {
  const auto patience = common_.options.limits.write_timeout;
  const std::size_t total = head.size() + body.size();
  std::size_t done = 0;
  auto deadline = Clock::now() + patience;
  while (done < total && !broken_) {
    const std::array<asio::const_buffer, 2> rest = {
        asio::buffer(head) + done, asio::buffer(body) + (done - std::min(done, head.size()))};
    error_code problem;
    const auto count = socket_.write_some(rest, problem);
    done += count;
    if (count > 0) {
      if (answer_) answer_->sent(count);
      deadline = Clock::now() + patience;
      // A large answer to a fast client: others get their turn in between.
      if (done < total) co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    } else if (problem != asio::error::would_block || Clock::now() >= deadline) {
      broken_ = true;
    } else {
      watch();
      watch_for_room();
      co_await wait(deadline);
    }
  }
  co_return !broken_;
}

void Connection::watch_for_room() {
  if (awaiting_room_) return;
  awaiting_room_ = true;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code&) {
    self->awaiting_room_ = false;
    self->ring();
  });
}

asio::awaitable<void> Connection::linger() {
  if (broken_ || ended_) co_return;
  error_code ignored;  // it may be gone already
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  inbox_bytes_max_ = kBodyInboxBytes;
  const auto deadline = Clock::now() + kLingerTime;
  std::size_t drained = 0;
  while (!ended_ && !broken_ && drained < kLingerBytesMax && Clock::now() < deadline) {
    drained += inbox_.size();
    inbox_.clear();
    watch();
    co_await wait(deadline);
  }
}

asio::awaitable<void> Connection::wait(Clock::time_point deadline) {
  bell_.expires_at(deadline);
  co_await bell_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace hearth::net
