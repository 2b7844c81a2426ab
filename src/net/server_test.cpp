#include "net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <future>

#include "net/client.h"
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
using testing::post_request;
using testing::RawClient;

void echo(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  exchange->respond(
      {.status = 200, .body = request.method + " " + request.path + " " + request.body});
}

std::unique_ptr<Server> start(Handler handler, ServerOptions options = {}) {
  auto server = Server::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok());
  return std::move(server).value();
}

TEST(Server, AnswersOverOneConnection) {
  const auto server = start(echo);
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/a%20b?x=1")));
  auto answer = client.read_response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /a b ");
  EXPECT_EQ(header_of(answer, "content-type"), "application/json");
  EXPECT_EQ(header_of(answer, "connection"), "keep-alive");
  ASSERT_TRUE(client.send(post_request("/p", "hello")));
  EXPECT_EQ(client.read_response().body, "POST /p hello");
  ASSERT_TRUE(client.send(get_request("/q", "Connection: close\r\n")));
  answer = client.read_response();
  EXPECT_EQ(header_of(answer, "connection"), "close");
  EXPECT_TRUE(client.closes_silently());
}

TEST(Server, AnswersAtOnceWithoutAWorker) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  ServerOptions options{.workers = 1, .pending_max = 1};
  options.at_once = [](const Request& request) -> std::optional<Response> {
    if (request.path != "/quick") return std::nullopt;
    return Response{.status = 200, .body = "quick"};
  };
  const auto busy = [released](const Request& request, const std::shared_ptr<Exchange>& exchange) {
    released.wait();
    echo(request, exchange);
  };
  const auto server = start(busy, std::move(options));
  RawClient slow(server->port()), quick(server->port());
  EXPECT_TRUE(slow.send(get_request("/slow")));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(quick.send(get_request("/quick")));
    const auto answer = quick.read_response();
    EXPECT_EQ(answer.body, "quick");
    EXPECT_EQ(header_of(answer, "connection"), "keep-alive");
  }
  EXPECT_TRUE(quick.send("HEAD /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(quick.read_all().ends_with("\r\n\r\n"));
  release.set_value();
  EXPECT_EQ(slow.read_response().body, "GET /slow ");
}

TEST(Server, ClosesTheConnectionWhenTheHandlerAsks) {
  const auto server = start([](const Request&, const std::shared_ptr<Exchange>& exchange) {
    exchange->respond({.status = 503, .body = "bye", .headers = {{"connection", "Close"}}});
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto answer = client.read_response();
  EXPECT_EQ(answer.body, "bye");
  EXPECT_EQ(header_of(answer, "connection"), "close");
  EXPECT_TRUE(client.closes_silently());
}

TEST(Server, TellsTheHandlerWhatWasSent) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(post_request("/v1/x?q=%41", "{}", "X-Test: Ab\r\n")));
  const auto [request, exchange] = parked.next();
  ASSERT_TRUE(exchange);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/x?q=%41");
  EXPECT_EQ(request.path, "/v1/x");
  EXPECT_EQ(request.query, "q=%41");
  EXPECT_EQ(request.body, "{}");
  ASSERT_NE(request.header("x-TEST"), nullptr);
  EXPECT_EQ(*request.header("x-TEST"), "Ab");
  EXPECT_EQ(request.header("x"), nullptr);
  EXPECT_THAT(request.peer, ::testing::StartsWith("127.0.0.1:"));
  exchange->respond({});
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/1") + post_request("/2", "body") + get_request("/3")));
  for (const char* path : {"/1", "/2", "/3"}) {
    auto arrival = parked.next();
    ASSERT_TRUE(arrival.exchange);
    EXPECT_EQ(arrival.request.path, path);
    EXPECT_EQ(server->in_flight(), 1U);  // the next one waits for this answer
    arrival.exchange->respond({.body = arrival.request.path});
    EXPECT_EQ(client.read_response().body, path);
  }
}

TEST(Server, OldHttpClosesUnlessAskedNotTo) {
  const auto server = start(echo);
  RawClient plain(server->port());
  ASSERT_TRUE(plain.send("GET /a HTTP/1.0\r\n\r\n"));
  auto answer = plain.read_response();
  EXPECT_EQ(answer.body, "GET /a ");
  EXPECT_EQ(header_of(answer, "Connection"), "close");
  EXPECT_TRUE(plain.closes_silently());

  RawClient kept(server->port());
  ASSERT_TRUE(kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(header_of(kept.read_response(), "Connection"), "keep-alive");
  ASSERT_TRUE(kept.send("GET /b HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(kept.read_response().body, "GET /b ");
}

TEST(Server, HeadHasLengthButNoBody) {
  const auto server = start([](const Request& request, std::shared_ptr<Exchange> exchange) {
    if (request.path == "/whole") return exchange->respond({.body = "12345"});
    exchange->begin(200, {});
    exchange->write("nobody reads this");
    exchange->end();
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.send("HEAD /whole HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(header_of(client.read_response(true), "Content-Length"), "5");
  ASSERT_TRUE(client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(header_of(client.read_response(true), "Transfer-Encoding"), "chunked");
  ASSERT_TRUE(client.send(get_request("/whole")));
  EXPECT_EQ(client.read_response().body, "12345");
}

TEST(Server, ExpectContinueIsAskedForBeforeTheBody) {
  const auto server = start(echo);
  RawClient client(server->port());
  for (int round = 0; round < 2; ++round) {  // the connection goes on after it
    ASSERT_TRUE(
        client.send("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 5\r\n\r\n"));
    EXPECT_EQ(client.read_response(true).status, 100);
    ASSERT_TRUE(client.send("hello"));
    EXPECT_EQ(client.read_response().body, "POST /p hello");
  }
}

TEST(Server, ChunkedRequestBody) {
  const auto server = start(echo);
  RawClient client(server->port());
  ASSERT_TRUE(
      client.send("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe"));
  ASSERT_TRUE(client.send("\r\n3\r\nllo\r\n0\r\n\r\n"));
  EXPECT_EQ(client.read_response().body, "POST /p hello");
}

TEST(Server, StreamsPieceByPiece) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->begin(200, {{"Cache-Control", "no-cache"}});
  ASSERT_TRUE(client.read_until("text/event-stream"));  // the head does not wait for a piece
  ASSERT_TRUE(client.read_until("\r\n\r\n"));
  for (const std::string piece : {"data: one\n\n", "data: two\n\n"}) {
    EXPECT_TRUE(arrival.exchange->write(piece));
    ASSERT_TRUE(client.read_until(piece + "\r\n"));  // nor one piece for the next
  }
  arrival.exchange->end();
  const auto answer = client.read_response();
  EXPECT_EQ(answer.body, "data: one\n\ndata: two\n\n");
  EXPECT_EQ(header_of(answer, "Cache-Control"), "no-cache");
  EXPECT_FALSE(arrival.exchange->stop().stop_requested());
  EXPECT_FALSE(arrival.exchange->write("late"));
  ASSERT_TRUE(client.send(get_request("/next")));
  EXPECT_TRUE(parked.next().exchange);
}

TEST(Server, OldHttpStreamEndsWithTheConnection) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->begin(200, {});
  arrival.exchange->write("ab");
  arrival.exchange->write("cd");
  arrival.exchange->end();
  const auto all = client.read_all();
  EXPECT_THAT(all, ::testing::EndsWith("\r\n\r\nabcd"));
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("Transfer-Encoding")));
}

TEST(Server, LargeAnswerArrivesWhole) {
  std::string large;
  for (int i = 0; large.size() < 6'000'000; ++i) large += std::to_string(i);
  const auto server = start([&](const Request&, std::shared_ptr<Exchange> exchange) {
    exchange->respond({.body = large});
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  EXPECT_TRUE(client.read_response().body == large);
}

// ---- A client that leaves ----

enum class Leave { Close, Reset };

class LeavingClient : public ::testing::TestWithParam<Leave> {
 protected:
  static void leave(RawClient& client) {
    GetParam() == Leave::Close ? client.close() : client.reset();
  }
};

TEST_P(LeavingClient, BeforeTheAnswerFiresStop) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  leave(client);
  EXPECT_TRUE(fires(arrival.exchange->stop()));
  arrival.exchange->begin(200, {});
  EXPECT_FALSE(arrival.exchange->write("x"));
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
}

TEST_P(LeavingClient, DuringTheStreamFiresStop) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  arrival.exchange->begin(200, {});
  EXPECT_TRUE(arrival.exchange->write("x"));
  ASSERT_TRUE(client.read_until("x"));
  leave(client);
  EXPECT_TRUE(fires(arrival.exchange->stop()));
  EXPECT_FALSE(arrival.exchange->write("y"));
  EXPECT_TRUE(server->drain(Call::within(kLong)).ok());
}

TEST_P(LeavingClient, BehindPipelinedBytesNobodyReadsYetFiresStop) {
  Parked parked;
  ServerOptions options{.limits = {.header_bytes_max = 256}};
  const auto server = start(parked.handler(), std::move(options));
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/") + std::string(4'000, 'x')));
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  leave(client);
  EXPECT_TRUE(fires(arrival.exchange->stop()));
}

INSTANTIATE_TEST_SUITE_P(Server, LeavingClient, ::testing::Values(Leave::Close, Leave::Reset));

TEST(Server, HalfClosedClientStillGetsAWholeAnswer) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  client.half_close();
  const auto arrival = parked.next();
  ASSERT_TRUE(arrival.exchange);
  EXPECT_TRUE(fires(arrival.exchange->stop()));
  arrival.exchange->respond({.body = "quick"});
  EXPECT_EQ(client.read_response().body, "quick");
  EXPECT_TRUE(client.closes_silently());
}

// ---- Handlers that do not answer as they should ----

TEST(Server, HandlerThatThrowsIsA500AndTheConnectionGoesOn) {
  ServerOptions options;
  options.error_body = [](int status, const std::string& message, const std::string& field,
                          const std::string&) {
    return std::to_string(status) + "|" + message + "|" + field;
  };
  const auto server = start(
      [](const Request& request, std::shared_ptr<Exchange> exchange) {
        if (request.path == "/throw") static_cast<void>(std::string().at(1));
        if (request.path == "/int") std::rethrow_exception(std::make_exception_ptr(7));
        if (request.path == "/drop") return;
        echo(request, exchange);
      },
      std::move(options));
  RawClient client(server->port());
  for (const char* path : {"/throw", "/int", "/drop"}) {
    SCOPED_TRACE(path);
    ASSERT_TRUE(client.send(get_request(path)));
    const auto answer = client.read_response();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, "500|the server failed to answer|");
  }
  ASSERT_TRUE(client.send(get_request("/fine")));
  EXPECT_EQ(client.read_response().status, 200);
}

TEST(Server, StreamDroppedWithoutEndIsCut) {
  Parked parked;
  const auto server = start(parked.handler());
  RawClient client(server->port());
  ASSERT_TRUE(client.send(get_request("/")));
  {
    const auto arrival = parked.next();
    ASSERT_TRUE(arrival.exchange);
    arrival.exchange->begin(200, {});
    arrival.exchange->write("x");
    ASSERT_TRUE(client.read_until("x\r\n"));
  }
  EXPECT_THAT(client.read_response().body, HasSubstr("[cut]"));
}

// ---- Addresses ----

TEST(ServerStart, Addresses) {
  for (const char* host : {"127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0"}) {
    SCOPED_TRACE(host);
    auto server = Server::start({.host = host}, echo);
    if (!server.ok() && std::string(host).find(':') != std::string::npos) continue;  // no IPv6 here
    ASSERT_TRUE(server.ok()) << server.error().message;
    const auto got = fetch(Call::within(kLong), {.host = host, .port = server.value()->port()});
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().status, 200);
  }
}

TEST(ServerStart, Errors) {
  for (const char* host : {"", "example.com", "1.2.3", "[127.0.0.1]", "300.0.0.1"}) {
    SCOPED_TRACE(host);
    const auto server = Server::start({.host = host}, echo);
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.error().code, Code::InvalidInput);
    EXPECT_EQ(server.error().field, "host");
  }
  const auto taken = start(echo);
  const auto again = Server::start({.port = taken->port()}, echo);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::Unavailable);
  EXPECT_THAT(again.error().message,
              HasSubstr("127.0.0.1:" + std::to_string(taken->port()) + ": Address already in use"));
  const auto foreign = Server::start({.host = "192.0.2.1"}, echo);
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().code, Code::Unavailable);
}

}  // namespace
}  // namespace hearth::net
