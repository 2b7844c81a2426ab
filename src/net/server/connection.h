#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "net/server.h"
#include "net/server/answer.h"
#include "net/server/in_flight.h"
#include "net/server/request_parser.h"
#include "net/server/response_head.h"
#include "net/server/workers.h"

namespace hearth::net {

namespace asio = boost::asio;

/// What all connections of one server share; the server owns it and outlives them. Net thread only.
struct Common {
  const ServerOptions& options;
  Workers& workers;
  InFlight& in_flight;
  bool closing = false;  // no further request on any connection
  std::array<char, 64 * 1024>
      scratch{};  // what one read may bring; idle connections hold no buffer

  /// The body of an HTTP-level error.
  std::string error_body(const Refusal& refusal) const;
  /// ServerOptions::at_once, if there is one.
  std::optional<Response> at_once(const Request& request) const;
};

/// One client. Net thread only.
///
/// One coroutine reads, answers and writes in order, and only ever waits at its bell (one timer):
/// every event (bytes, end of file, room to write, an answer's pieces, shutdown) changes a member
/// and rings. Reading goes on beside it while an answer is made, so that a client that leaves is
/// noticed at once. No operation is ever cancelled half-way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, Common& common);

  /// Serves requests until the connection closes. The caller keeps this alive until it ends.
  asio::awaitable<void> serve();
  /// Says 503 and closes: there are too many connections.
  asio::awaitable<void> refuse();

  /// Closes at once; a running answer's stop() fires.
  void drop();
  /// Looks again at what changed (Common::closing).
  void ring() { bell_.cancel(); }

 private:
  // Reading.
  asio::awaitable<bool> read_request(RequestParser& parser);
  asio::awaitable<bool> on_state(const RequestParser& parser, RequestParser::State state);
  asio::awaitable<bool> request_timed_out(RequestParser::State state);
  void watch();
  void on_readable(const boost::system::error_code& problem);
  void on_end_of_file();
  bool inbox_is_full() const { return inbox_.size() >= inbox_bytes_max_; }
  void look_past_full_inbox();

  // Answering.
  asio::awaitable<bool> answer_request(RequestParser& parser);
  asio::awaitable<bool> deliver();
  asio::awaitable<bool> send_whole(Response response);
  asio::awaitable<bool> send_stream(Answer::Step step);
  asio::awaitable<bool> send_error(Refusal refusal, bool keep_alive);
  bool stays_open() const { return keep_alive_ && !common_.closing; }

  // Writing.
  asio::awaitable<bool> send(std::string head, std::string body);
  void watch_for_room();
  asio::awaitable<void> linger();

  asio::awaitable<void> wait(Clock::time_point deadline);

  asio::ip::tcp::socket socket_;
  Common& common_;
  asio::steady_timer bell_;
  std::string peer_;
  std::string inbox_;  // received, not yet parsed
  std::size_t inbox_bytes_max_;
  Clock::time_point deadline_;  // of the present part of the request being read
  bool watching_ = false;       // a wait for bytes is under way
  bool awaiting_room_ = false;  // a wait for room to write is under way
  bool ended_ = false;          // the client has closed its side
  bool broken_ = false;         // nothing can be sent or received any more

  // The request being answered.
  std::shared_ptr<Answer> answer_;
  bool keep_alive_ = true;
  bool is_head_ = false;
  bool is_http_1_0_ = false;
};

}  // namespace hearth::net
