#include "net/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "net/testing/parked.h"

namespace hearth::net {
namespace {

using ::testing::HasSubstr;
using testing::header_of;
using testing::kLong;
using ::testing::StartsWith;

/// Accepts one client, reads until `wait_for` has come, says `answer` in pieces, and closes unless
/// `holds`.
class OneAnswer {
 public:
  struct Script {
    std::string answer;
    std::size_t piece_bytes = 1'000'000;
    bool holds = false;  // keeps the connection open until the end of the test
    std::string wait_for = "\r\n\r\n";
  };

  explicit OneAnswer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    if (client_ >= 0) ::close(client_);
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  /// What the client sent. Call it after the fetch.
  std::string seen() {
    seen_done_.get_future().wait();
    return seen_;
  }

 private:
  void serve() {
    client_ = ::accept(listener_, nullptr, nullptr);
    std::array<char, 4096> buffer;
    while (client_ >= 0 && seen_.find(script_.wait_for) == std::string::npos) {
      const auto count = ::recv(client_, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      seen_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    seen_done_.set_value();
    const std::string_view answer = script_.answer;
    for (std::size_t at = 0; at < answer.size(); at += script_.piece_bytes) {
      const auto piece = answer.substr(at, script_.piece_bytes);
      if (::send(client_, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
    }
    if (!script_.holds) ::shutdown(client_, SHUT_WR);
  }

  const Script script_;
  int listener_ = -1;
  int client_ = -1;
  std::uint16_t port_ = 0;
  std::string seen_;
  std::promise<void> seen_done_;
  std::jthread thread_;
};

TEST(Fetch, SendsWhatItSays) {
  OneAnswer server({.answer = "HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi",
                    .wait_for = "body"});
  const auto got = fetch(Call::within(kLong), {.method = "POST",
                                               .port = server.port(),
                                               .target = "/a?b",
                                               .headers = {{"X-Test", "1"}},
                                               .body = "the body"});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().status, 201);
  EXPECT_EQ(got.value().body, "hi");
  EXPECT_EQ(header_of(got.value(), "x-a"), "b");
  EXPECT_EQ(server.seen(),
            "POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nConnection: close\r\nContent-Length: 8\r\nX-Test: 1\r\n\r\n"
                "the body");
}

TEST(Fetch, ReadsEveryFramingHoweverItIsCut) {
  struct Case {
    const char* answer;
    const char* want;
  };
  const Case kCases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nT: "
       "x\r\n\r\n",
       "hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
      {"HTTP/1.0 200 OK\r\n\r\nhello", "hello"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
  };
  for (const auto& c : kCases) {
    for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
      SCOPED_TRACE(c.answer);
      OneAnswer server({.answer = c.answer, .piece_bytes = piece});
      const auto got = fetch(Call::within(kLong), {.port = server.port()});
      ASSERT_TRUE(got.ok()) << got.error().message;
      EXPECT_EQ(got.value().body, c.want);
    }
  }
}

TEST(Fetch, HeadHasNoBody) {
  OneAnswer server({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .holds = true});
  const auto got = fetch(Call::within(kLong), {.method = "HEAD", .port = server.port()});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(header_of(got.value(), "Content-Length"), "5");
}

TEST(Fetch, BrokenAnswers) {
  std::string interim;
  for (int i = 0; i < 9; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  struct Case {
    std::string answer;
    Code code;
    const char* words;
  };
  const Case kCases[] = {
      {"", Code::Unavailable, "without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Le", Code::Unavailable, "in the middle"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Code::Unavailable, "in the middle"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Code::Unavailable,
       "in the middle"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", Code::Unavailable,
       "not HTTP"},
      {"SSH-2.0-x\r\n", Code::Unavailable, "not HTTP"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", Code::TooLarge, "headers"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n", Code::TooLarge, "67108864"},
      {interim, Code::Unavailable, "interim"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(70'000, 'x'),
       Code::Unavailable, "without end"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.answer.substr(0, 80));
    OneAnswer server({.answer = c.answer});
    const auto got = fetch(Call::within(kLong), {.port = server.port()});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, c.code);
    EXPECT_THAT(got.error().message, HasSubstr(c.words));
    EXPECT_THAT(got.error().message, StartsWith("127.0.0.1:" + std::to_string(server.port())));
  }
}

TEST(Fetch, InvalidRequests) {
  const ClientRequest kCases[] = {
      {.host = "example.com", .port = 1},
      {.host = "", .port = 1},
      {.method = "", .port = 1},
      {.method = "GET X", .port = 1},
      {.port = 1, .target = ""},
      {.port = 1, .target = "/a b"},
      {.port = 1, .target = "/a\r\nX: y"},
      {.port = 1, .headers = {{"X", "a\r\nY: b"}}},
      {.port = 1, .headers = {{"X\n", "a"}}},
  };
  for (const auto& request : kCases) {
    const auto got = fetch(Call::within(kLong), request);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
  }
}

TEST(Fetch, RefusedConnectionNamesHostAndPort) {
  std::uint16_t port = 0;
  {
    OneAnswer gone({});
    port = gone.port();
  }
  const auto got = fetch(Call::within(kLong), {.host = "localhost", .port = port});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Unavailable);
  EXPECT_THAT(got.error().message, HasSubstr("localhost:" + std::to_string(port)));
}

TEST(Fetch, DeadlineAndStopEndTheWait) {
  OneAnswer silent({.answer = "HTTP/1.1 200 OK\r\n", .holds = true});
  const auto late = fetch(Call::within(Millis(50)), {.port = silent.port()});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::Timeout);

  OneAnswer other({.answer = "HTTP/1.1 200 OK\r\n", .holds = true});
  std::stop_source stop;
  const std::jthread stopper([&] {
    other.seen();  // by then the client waits, or is about to
    stop.request_stop();
  });
  const auto stopped = fetch(Call::within(kLong, stop.get_token()), {.port = other.port()});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
}

TEST(Fetch, EarlyRefusalOfALargeBodyIsRead) {
  OneAnswer server({.answer = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig"});
  const auto got =
      fetch(Call::within(kLong),
            {.method = "POST", .port = server.port(), .body = std::string(32'000'000, 'x')});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().status, 413);
  EXPECT_EQ(got.value().body, "big");
}

TEST(FetchStream, HandsOverPieces) {
  OneAnswer server({.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                    .piece_bytes = 1});
  std::string all;
  const auto got =
      fetch_stream(Call::within(kLong), {.port = server.port()}, [&](std::string_view piece) {
        all += piece;
        return true;
      });
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(all, "hello");
  EXPECT_EQ(got.value().body, "");
}

TEST(FetchStream, StopsWhenTheCallerHasEnough) {
  OneAnswer server({.answer = "HTTP/1.1 200 OK\r\n\r\nhello", .holds = true});
  int pieces = 0;
  const auto got =
      fetch_stream(Call::within(kLong), {.port = server.port()}, [&](std::string_view) {
        ++pieces;
        return false;
      });
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().status, 200);
  EXPECT_EQ(pieces, 1);
}

TEST(FetchStream, ErrorAnswersComeWhole) {
  OneAnswer server({.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"});
  const auto got = fetch_stream(Call::within(kLong), {.port = server.port()}, [](std::string_view) {
    ADD_FAILURE() << "an error body is no piece";
    return true;
  });
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().status, 404);
  EXPECT_EQ(got.value().body, "nope");
}

}  // namespace
}  // namespace hearth::net
