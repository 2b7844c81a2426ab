#include "net/server/request_parser.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

using State = RequestParser::State;

struct Outcome {
  State state = State::Empty;
  int status = 0;  // of the refusal
  std::string field;
  Request request;
  std::string rest;  // what the parser left
};

/// Feeds `text` in pieces of `piece_bytes`.
Outcome parse(const std::string& text, std::size_t piece_bytes, const ServerLimits& limits = {}) {
  RequestParser parser(limits);
  Outcome outcome;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
    outcome.rest += text.substr(at, piece_bytes);
    if (outcome.state == State::Done || outcome.state == State::Failed) continue;
    outcome.state = parser.feed(outcome.rest);
  }
  if (outcome.state == State::Failed) {
    outcome.status = parser.refusal().status;
    outcome.field = parser.refusal().field;
  }
  if (outcome.state == State::Done) outcome.request = parser.take();
  return outcome;
}

TEST(RequestParser, SameRequestHoweverItIsCut) {
  const std::string kSized =
      "\r\nPOST /a%20b?q=1 HTTP/1.1\r\nHost: h\r\nx-MiXed:  v \r\nContent-Length: 5\r\n\r\nhello";
  const std::string kChunked =
      "POST /a%20b?q=1 HTTP/1.1\r\nHost: h\r\nx-MiXed: v\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: no\r\n\r\n";
  for (const auto& text : {kSized, kChunked}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      SCOPED_TRACE(piece);
      const auto got = parse(text + "GET ", piece);
      ASSERT_EQ(got.state, State::Done);
      EXPECT_EQ(got.request.method, "POST");
      EXPECT_EQ(got.request.target, "/a%20b?q=1");
      EXPECT_EQ(got.request.path, "/a b");
      EXPECT_EQ(got.request.query, "q=1");
      EXPECT_EQ(got.request.body, "hello");
      EXPECT_EQ(got.rest, "GET ");
      ASSERT_NE(got.request.header("X-Mixed"), nullptr);
      EXPECT_EQ(*got.request.header("X-Mixed"), "v");
      EXPECT_EQ(got.request.header("X-Trailer"), nullptr);
    }
  }
}

TEST(RequestParser, Refuses) {
  struct Case {
    const char* text;
    int status;
  };
  const Case kCases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},                        // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},  // two
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x00 TLS", 400},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
       400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nmore", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\nmore", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n"
       "Transfer-Encoding: chunked\r\n\r\n",
       501},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417},
  };
  for (const auto& c : kCases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      SCOPED_TRACE(c.text);
      const auto got = parse(c.text, piece);
      EXPECT_EQ(got.state, State::Failed);
      EXPECT_EQ(got.status, c.status);
      EXPECT_EQ(got.field, "");
    }
  }
}

TEST(RequestParser, HeaderLimitAtItsEdge) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: 12345678\r\n\r\n";
  struct Case {
    std::size_t header_bytes_max;
    State want;
  };
  for (const auto& c : {Case{text.size(), State::Done}, Case{text.size() - 1, State::Failed}}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      SCOPED_TRACE(piece);
      const auto got = parse(text, piece, {.header_bytes_max = c.header_bytes_max});
      ASSERT_EQ(got.state, c.want);
      if (c.want == State::Failed) {
        EXPECT_EQ(got.status, 431);
        EXPECT_EQ(got.field, "headers");
      }
    }
  }
}

TEST(RequestParser, HeaderLimitCountsNoBody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
  const auto got = parse(head + std::string(100, 'x'), 1000, {.header_bytes_max = head.size()});
  EXPECT_EQ(got.state, State::Done);
}

TEST(RequestParser, EndlessLinesAreRefusedBeforeTheyEnd) {
  const ServerLimits limits{.header_bytes_max = 64};
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string junk(200, 'x');
  for (const auto& text : {junk, "GET /" + junk, "GET / HTTP/1.1\r\nHost: " + junk,
                           chunked + "1;" + junk, chunked + "0\r\nT: " + junk}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
      SCOPED_TRACE(text);
      const auto got = parse(text, piece, limits);
      EXPECT_EQ(got.state, State::Failed);
      EXPECT_EQ(got.status, 431);
    }
  }
}

TEST(RequestParser, BodyLimitAtItsEdge) {
  const ServerLimits limits{.body_bytes_max = 10};
  const auto sized = [](int count) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(count) + "\r\n\r\n";
  };
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct Case {
    std::string text;
    State want;
  };
  const Case kCases[] = {
      {sized(10) + "0123456789", State::Done},
      {sized(11), State::Failed},  // before a byte of the body
      {chunked + "a\r\n0123456789\r\n0\r\n\r\n", State::Done},
      {chunked + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", State::Done},
      {chunked + "b\r\n01", State::Failed},
      {chunked + "5\r\n01234\r\n6\r\n56", State::Failed},
      {chunked + "ffffffffffffffff\r\n", State::Failed},
  };
  for (const auto& c : kCases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      SCOPED_TRACE(c.text);
      const auto got = parse(c.text, piece, limits);
      ASSERT_EQ(got.state, c.want);
      if (c.want == State::Failed) {
        EXPECT_EQ(got.status, 413);
        EXPECT_EQ(got.field, "body");
      } else {
        EXPECT_EQ(got.request.body, "0123456789");
      }
    }
  }
}

TEST(RequestParser, WaitsInEmptyUntilARequestStarts) {
  const ServerLimits limits;
  RequestParser parser(limits);
  std::string inbox = "\r\n\r\n\r";
  EXPECT_EQ(parser.feed(inbox), State::Empty);
  inbox += "\nG";
  EXPECT_EQ(parser.feed(inbox), State::Header);
}

TEST(RequestParser, KeepAliveAndExpect) {
  struct Case {
    const char* text;
    bool keep_alive, expects_continue;
  };
  const Case kCases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false, false},
      {"GET / HTTP/1.0\r\n\r\n", false, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, false},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n", true,
       true},
      {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", false, false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const ServerLimits limits;
    RequestParser parser(limits);
    std::string inbox = c.text;
    ASSERT_EQ(parser.feed(inbox), State::Done);
    EXPECT_EQ(parser.keep_alive(), c.keep_alive);
    EXPECT_EQ(parser.expects_continue(), c.expects_continue);
  }
}

}  // namespace
}  // namespace hearth::net
