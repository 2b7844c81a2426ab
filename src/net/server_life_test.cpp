#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "net/client.h"
#include "net/server.h"
#include "net/testing/parked.h"
#include "net/testing/raw_client.h"

namespace hearth::net {
namespace {

using testing::fires;
using testing::get_request;
using ::testing::HasSubstr;
using testing::header_of;
using testing::kLong;
using testing::Parked;
using testing::RawClient;

std::unique_ptr<Server> start(Handler handler, ServerOptions options = {}) {
  auto server = Server::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok());
  return std::move(server).value();
}

void say_ok(const Request&, const std::shared_ptr<Exchange>& exchange) { exchange->respond({}); }

TEST(ServerLife, StopAcceptingClosesIdleAndFinishesRunning) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient idle(server->port());
  RawClient running(server->port());
  RawClient streaming(server->port());
  ASSERT_TRUE(running.send(get_request("/") + get_request("/never")));
  const auto whole = parked.next();
  ASSERT_TRUE(whole.exchange);
  ASSERT_TRUE(streaming.send(get_request("/")));
  const auto stream = parked.next();
  ASSERT_TRUE(stream.exchange);
  stream.exchange->begin(200, {});
  EXPECT_EQ(server->in_flight(), 2U);

  server->stop_accepting();
  server->stop_accepting();  // once more does nothing
  EXPECT_TRUE(idle.closes_silently());
  const auto refused = fetch(Call::within(kLong), {.port = server->port()});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::Unavailable);

  EXPECT_EQ(server->drain(Call::within(Millis(10))).error().code, Code::Timeout);
  EXPECT_FALSE(whole.exchange->stop().stop_requested());
  whole.exchange->respond({.body = "done"});
  const auto answer = running.read_response();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(header_of(answer, "Connection"), "close");
  EXPECT_TRUE(running.closes_silently());  // "/never" is not begun
  EXPECT_TRUE(stream.exchange->write("x"));
  stream.exchange->end();
  EXPECT_EQ(streaming.read_response().body, "x");
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
  EXPECT_EQ(server->in_flight(), 0U);
}

TEST(ServerLife, DrainErrors) {
  Parked parked;
  const auto server = start(parked.handler());
  EXPECT_TRUE(server->drain(Call::within(Millis(0))).ok());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  const auto timeout = server->drain(Call::within(Millis(1)));
  EXPECT_EQ(timeout.error().code, Code::Timeout);
  EXPECT_THAT(timeout.error().message, HasSubstr("1 request"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(server->drain(Call::within(kLong, stop.get_token())).error().code, Code::Cancelled);
}

TEST(ServerLife, ExchangesMayOutliveTheServer) {
  Parked parked;
  auto server = start(parked.handler());
  RawClient waiting(server->port());
  RawClient streaming(server->port());
  ASSERT_TRUE(waiting.send(get_request("/")));
  auto whole = parked.next();
  ASSERT_TRUE(streaming.send(get_request("/")));
  auto stream = parked.next();
  ASSERT_TRUE(whole.exchange && stream.exchange);
  stream.exchange->begin(200, {});
  server.reset();
  EXPECT_TRUE(whole.exchange->stop().stop_requested());
  EXPECT_TRUE(stream.exchange->stop().stop_requested());
  whole.exchange->respond({});
  EXPECT_FALSE(stream.exchange->write("x"));
  stream.exchange->end();
  EXPECT_EQ(waiting.read_response().status, 0);
}

TEST(ServerLife, EndsWhileHandlersAndStreamsRun) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::jthread> streams;
    std::promise<void> first_piece;
    std::atomic<int> begun{0};
    auto server = start([&](const Request& request, std::shared_ptr<Exchange> exchange) {
      if (request.path == "/whole") return exchange->respond({.body = "x"});
      exchange->begin(200, {});
      if (begun.fetch_add(1) == 0) first_piece.set_value();
      while (exchange->write("piece")) std::this_thread::yield();
    });
    std::vector<std::jthread> clients;
    for (const char* target : {"/whole", "/stream", "/stream", "/whole"}) {
      clients.emplace_back([port = server->port(), target] {
        const auto any = [](std::string_view) { return true; };
        for (int i = 0; i < 50; ++i) {
          const auto got = fetch_stream(Call::within(kLong), {.port = port, .target = target}, any);
          if (!got.ok()) return;  // the server has ended
        }
      });
    }
    ASSERT_EQ(first_piece.get_future().wait_for(kLong), std::future_status::ready);
    server.reset();
  }
}

TEST(ServerLife, WaitingRequestsAreDroppedAtTheEnd) {
  std::promise<void> running;
  std::atomic<int> handled{0};
  auto server = start(
      [&](const Request&, std::shared_ptr<Exchange> exchange) {
        handled.fetch_add(1);
        running.set_value();
        EXPECT_TRUE(fires(exchange->stop()));  // so the server can join us
      },
      {.workers = 1});
  RawClient first(server->port());
  ASSERT_TRUE(first.send(get_request("/1")));
  ASSERT_EQ(running.get_future().wait_for(kLong), std::future_status::ready);
  RawClient second(server->port());
  ASSERT_TRUE(second.send(get_request("/2")));
  server.reset();
  EXPECT_EQ(handled.load(), 1);
}

TEST(ServerLife, ManyClientsAtOnce) {
  constexpr int kClients = 8;
  constexpr int kRequests = 50;
  const auto server = start([](const Request& request, std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    for (int i = 0; i < 10; ++i) exchange->write(request.body);
    exchange->end();
  });
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i] {
        RawClient client(server->port());
        const std::string body(100, static_cast<char>('a' + i));
        std::string want;
        for (int piece = 0; piece < 10; ++piece) want += body;
        for (int request = 0; request < kRequests; ++request) {
          if (!client.send(testing::post_request("/", body))) return;
          right += client.read_response().body == want ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right.load(), kClients * kRequests);
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
}

TEST(ServerLife, ErrorBodyThatThrowsEndsOnlyItsConnection) {
  ServerOptions options;
  options.error_body = [](int, const std::string&, const std::string&,
                          const std::string&) -> std::string {
    return std::string().substr(1);  // throws
  };
  const auto server = start(say_ok, std::move(options));
  RawClient bad(server->port());
  ASSERT_TRUE(bad.send("nonsense\r\n\r\n"));
  EXPECT_TRUE(bad.closes_silently());
  RawClient good(server->port());
  ASSERT_TRUE(good.send(get_request("/")));
  EXPECT_EQ(good.read_response().status, 200);
}

}  // namespace
}  // namespace hearth::net
