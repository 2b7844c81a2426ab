#include <gtest/gtest.h>
#include <poll.h>

#include <array>

#include "net/server.h"
#include "net/testing/parked.h"
#include "net/testing/raw_client.h"

namespace hearth::net {
namespace {

using testing::fires;
using testing::get_request;
using testing::header_of;
using testing::kLong;
using testing::Parked;
using testing::post_request;
using testing::RawClient;

constexpr Millis kShort{50};
// For a limit that must not pass while the test itself is held up, and a time beyond it.
constexpr Millis kModest{1'000};
constexpr Millis kBeyondModest{1'200};

void say_size(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  exchange->respond({.body = std::to_string(request.body.size())});
}

/// A server with these limits whose error bodies show what they were made of.
std::unique_ptr<Server> start(Handler handler, ServerLimits limits, ServerOptions options = {}) {
  options.limits = limits;
  options.error_body = [](int status, const std::string&, const std::string& field,
                          const std::string& path) {
    return std::to_string(status) + "|" + field + (path == "/seen" ? "|" + path : "");
  };
  auto server = Server::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok());
  return std::move(server).value();
}

TEST(ServerLimits, BodyAtItsEdge) {
  const auto server = start(say_size, {.body_bytes_max = 1'000});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(post_request("/", std::string(1'000, 'x'))));
  EXPECT_EQ(client.read_response().body, "1000");
  ASSERT_TRUE(client.send(post_request("/", std::string(1'001, 'x'))));
  const auto answer = client.read_response();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "413|body");
  EXPECT_EQ(header_of(answer, "Connection"), "close");
  EXPECT_TRUE(client.closes_silently());
}

TEST(ServerLimits, TellsWhichPathWasRefused) {
  const auto server = start(say_size, {.body_bytes_max = 10});
  for (const char* target : {"/seen", "/seen?a=b"}) {
    RawClient client(server->port());
    ASSERT_TRUE(client.send(post_request(target, std::string(11, 'x'))));
    EXPECT_EQ(client.read_response().body, "413|body|/seen");
  }
}

TEST(ServerLimits, BodyIsRefusedBeforeItIsSent) {
  const auto server = start(say_size, {.body_bytes_max = 1'000});
  RawClient client(server->port());
  ASSERT_TRUE(
      client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 1001\r\n\r\n"));
  EXPECT_EQ(client.read_response().status, 413);
}

TEST(ServerLimits, ClientThatSendsAllOfALargeBodyStillReadsTheRefusal) {
  const auto server = start(say_size, {.body_bytes_max = 1'000});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16000000\r\n\r\n";
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf42400\r\n";
  for (const auto& start_of_request : {head, chunked}) {
    RawClient client(server->port());
    // Far more than the buffers between us hold, and it reads only after all of it.
    ASSERT_TRUE(client.send(start_of_request));
    ASSERT_TRUE(client.send(std::string(16'000'000, 'x')));
    EXPECT_EQ(client.read_response().body, "413|body");
    EXPECT_TRUE(client.closes_silently());
  }
}

TEST(ServerLimits, HeadersAtTheirEdge) {
  const auto exact = get_request("/", "X: " + std::string(100, 'x') + "\r\n");
  const auto server = start(say_size, {.header_bytes_max = exact.size()});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(exact));
  EXPECT_EQ(client.read_response().status, 200);
  ASSERT_TRUE(client.send(get_request("/", "X: " + std::string(101, 'x') + "\r\n")));
  const auto answer = client.read_response();
  EXPECT_EQ(answer.status, 431);
  EXPECT_EQ(answer.body, "431|headers");
  EXPECT_TRUE(client.closes_silently());
}

TEST(ServerLimits, ConnectionsAtTheirEdge) {
  const auto server = start(say_size, {.connections_max = 2});
  RawClient first(server->port());
  RawClient second(server->port());
  for (RawClient* client : {&first, &second}) {
    ASSERT_TRUE(client->send(get_request("/")));
    EXPECT_EQ(client->read_response().status, 200);
  }
  EXPECT_EQ(server->connections(), 2U);
  {
    RawClient third(server->port());
    ASSERT_TRUE(third.send(get_request("/")));
    const auto answer = third.read_response();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, "503|");
    EXPECT_EQ(header_of(answer, "Connection"), "close");
    EXPECT_TRUE(third.closes_silently());
  }
  first.close();
  int status = 503;
  for (const auto end = Clock::now() + kLong; status == 503 && Clock::now() < end;) {
    RawClient next(server->port());  // the server may not have seen the end of the first one yet
    ASSERT_TRUE(next.send(get_request("/")));
    status = next.read_response().status;
  }
  EXPECT_EQ(status, 200);
}

TEST(ServerLimits, WaitingRequestsAtTheirEdge) {
  Parked parked;
  BoundedQueue<int> go(4);
  const auto server = start(
      [&](const Request& request, std::shared_ptr<Exchange> exchange) {
        parked.handler()(request, exchange);
        static_cast<void>(go.pop(Call::within(kLong)));  // keeps the only worker
        exchange->respond({});
      },
      {}, {.workers = 1, .pending_max = 1});
  RawClient working(server->port());
  ASSERT_TRUE(working.send(get_request("/1")));
  ASSERT_TRUE(parked.next().exchange);
  // Two more: one waits in the line, the other is refused at once; which one is not fixed.
  RawClient left(server->port());
  RawClient right(server->port());
  ASSERT_TRUE(left.send(get_request("/2")) && right.send(get_request("/3")));
  std::array<pollfd, 2> both = {pollfd{.fd = left.fd(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = right.fd(), .events = POLLIN, .revents = 0}};
  ASSERT_EQ(::poll(both.data(), both.size(), static_cast<int>(kLong.count())), 1);
  const bool left_refused = both[0].revents != 0;
  const auto refused = (left_refused ? left : right).read_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(header_of(refused, "Connection"), "keep-alive");
  EXPECT_TRUE(go.try_push(1) && go.try_push(1));
  EXPECT_EQ(working.read_response().status, 200);
  EXPECT_EQ((left_refused ? right : left).read_response().status, 200);
}

TEST(ServerLimits, HeaderTimeout) {
  const auto server = start(say_size, {.header_timeout = kShort});
  RawClient client(server->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHos"));
  const auto answer = client.read_response();
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.body, "408|");
  EXPECT_TRUE(client.closes_silently());
}

TEST(ServerLimits, HeaderTimeoutIsNotProlongedByDrops) {
  const auto server = start(say_size, {.header_timeout = kShort});
  RawClient client(server->port());
  std::string sent = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  ASSERT_TRUE(client.send(sent));
  const auto end = Clock::now() + kLong;
  while (client.send("x") && Clock::now() < end && client.received().empty()) {
    if (client.readable_within(Millis(1))) break;
  }
  EXPECT_EQ(client.read_response().status, 408);
}

TEST(ServerLimits, BodyTimeout) {
  const auto server = start(say_size, {.header_timeout = kLong, .body_timeout = kShort});
  RawClient client(server->port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"));
  EXPECT_EQ(client.read_response().body, "408|");
  EXPECT_TRUE(client.closes_silently());
}

TEST(ServerLimits, SlowButInTimeIsServed) {
  // The header's clock stops when the header is whole, and the idle one when a request starts.
  const auto server =
      start(say_size, {.header_timeout = kLong, .body_timeout = kLong, .idle_timeout = kModest});
  RawClient client(server->port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: a\r\n"));
  EXPECT_FALSE(client.readable_within(kBeyondModest));
  ASSERT_TRUE(client.send("Content-Length: 5\r\n\r\nhell"));
  EXPECT_FALSE(client.readable_within(kBeyondModest));
  ASSERT_TRUE(client.send("o"));
  EXPECT_EQ(client.read_response().body, "5");
}

TEST(ServerLimits, IdleConnectionsCloseSilently) {
  const auto server = start(say_size, {.idle_timeout = kShort});
  RawClient fresh(server->port());
  EXPECT_TRUE(fresh.closes_silently());
  const auto patient = start(say_size, {.idle_timeout = kModest});
  RawClient used(patient->port());
  ASSERT_TRUE(used.send(get_request("/")));
  EXPECT_EQ(used.read_response().status, 200);
  EXPECT_TRUE(used.closes_silently());
}

TEST(ServerLimits, AnAnswerMayTakeLongerThanIdle) {
  Parked parked;
  const auto server =
      start(parked.handler(),
            {.header_timeout = kModest, .body_timeout = kModest, .idle_timeout = kModest});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  EXPECT_FALSE(client.readable_within(kBeyondModest));
  arrival.exchange->respond({.body = "late"});
  EXPECT_EQ(client.read_response().body, "late");
}

TEST(ServerLimits, ClientThatTakesNothingIsDropped) {
  Parked parked;
  const auto server = start(parked.handler(), {.write_timeout = kShort});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->respond({.body = std::string(64'000'000, 'x')});
  EXPECT_TRUE(fires(arrival.exchange->stop()));
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
  EXPECT_LT(client.read_all().size(), 64'000'000U);
}

TEST(ServerLimits, UnsentBytesOfAStreamAreBounded) {
  constexpr std::size_t kUnsentMax = 100'000;
  Parked parked;
  const auto server = start(parked.handler(), {.unsent_bytes_max = kUnsentMax});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->begin(200, {});
  EXPECT_TRUE(arrival.exchange->write(std::string(kUnsentMax, 'x')));  // exactly the limit
  std::size_t pieces = 0;
  constexpr std::size_t kPiecesMax = 1'000'000;  // the kernel's buffers hold a few MiB
  while (pieces < kPiecesMax && arrival.exchange->write(std::string(1'000, 'x'))) ++pieces;
  EXPECT_LT(pieces, kPiecesMax);
  EXPECT_TRUE(arrival.exchange->stop().stop_requested());
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
}

TEST(ServerLimits, ReadingClientGetsMoreThanTheUnsentLimit) {
  constexpr std::size_t kUnsentMax = 1'000;
  Parked parked;
  const auto server = start(parked.handler(), {.unsent_bytes_max = kUnsentMax});
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->begin(200, {});
  for (int i = 0; i < 10; ++i) {
    const auto mark = "[" + std::to_string(i) + "]";
    // Half the limit: the piece that was just read may still count for a moment.
    ASSERT_TRUE(arrival.exchange->write(std::string(kUnsentMax / 2 - mark.size(), 'x') + mark));
    ASSERT_TRUE(client.read_until(mark));
  }
  arrival.exchange->end();
  EXPECT_EQ(client.read_response().body.size(), 10 * (kUnsentMax / 2));
}

TEST(ServerLimits, MalformedRequestsAreAnsweredAndClosed) {
  const auto server = start(say_size, {});
  struct Case {
    const char* text;
    const char* want;
  };
  const Case kCases[] = {
      {"\x16\x03\x01 TLS?\r\n\r\n", "400|"},
      {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400|"},
      {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501|"},
      {"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "417|"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    RawClient client(server->port());
    ASSERT_TRUE(client.send(c.text));
    EXPECT_EQ(client.read_response().body, c.want);
    EXPECT_TRUE(client.closes_silently());
  }
}

}  // namespace
}  // namespace hearth::net
