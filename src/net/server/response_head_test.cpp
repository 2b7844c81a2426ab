#include "net/server/response_head.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

using Body = Framing::Body;

TEST(ResponseHead, Table) {
  struct Case {
    int status;
    Headers headers;
    Framing framing;
    const char* want;
  };
  const Case kCases[] = {
      {200,
       {},
       {.body = Body::Sized, .size_bytes = 3},
       "HTTP/1.1 200 OK\r\nt: d\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"},
      {429,
       {{"Retry-After", "1"}, {"content-type", "a/b"}},
       {.keep_alive = false},
       "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\ncontent-type: a/b\r\n"
       "Content-Length: 0\r\nConnection: close\r\n\r\n"},
      {204, {}, {}, "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n"},
      {200,
       {},
       {.body = Body::Chunked},
       "HTTP/1.1 200 OK\r\nt: d\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"},
      {200,
       {},
       {.body = Body::UntilClose, .keep_alive = false},
       "HTTP/1.1 200 OK\r\nt: d\r\nConnection: close\r\n\r\n"},
      // Framing is ours, and a value cannot add a header.
      {200,
       {{"content-LENGTH", "9"},
        {"Connection", "x"},
        {"Transfer-Encoding", "x"},
        {"A", "b\r\nC: d"}},
       {},
       "HTTP/1.1 200 OK\r\nA: b  C: d\r\nt: d\r\nContent-Length: 0\r\nConnection: "
       "keep-alive\r\n\r\n"},
  };
  for (const auto& c : kCases) {
    auto got = response_head(c.status, c.headers, "d", c.framing);
    const auto type = got.find("Content-Type");
    if (type != std::string::npos) got.replace(type, 12, "t");
    EXPECT_EQ(got, c.want);
  }
}

TEST(Chunk, Framing) {
  EXPECT_EQ(chunk("a"), "1\r\na\r\n");
  EXPECT_EQ(chunk(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
  EXPECT_EQ(chunk(""), "");  // an empty chunk would be the last one
}

}  // namespace
}  // namespace hearth::net
