#include "net/server/target.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

TEST(ParseTarget, Accepts) {
  struct Case {
    const char* text;
    const char* path;
    const char* query;
  };
  const Case kCases[] = {
      {"/", "/", ""},
      {"/v1/models?x=1", "/v1/models", "x=1"},
      {"/a%20b%2Fc?d%20e", "/a b/c", "d%20e"},
      {"/%c3%A9", "/\xC3\xA9", ""},
      {"/a+b", "/a+b", ""},
      {"/?", "/", ""},
      {"/a?b?c", "/a", "b?c"},
      {"*", "*", ""},
      {"http://host:1/v1?x", "/v1", "x"},
      {"HTTP://host", "/", ""},
      {"http://host?x", "/", "x"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_target(c.text);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().path, c.path);
    EXPECT_EQ(got.value().query, c.query);
  }
}

TEST(ParseTarget, Refuses) {
  for (const char* text : {"", "v1", "?x", "host:80", "https://host/", "/%", "/%1", "/%g0", "/%0g",
                           "/a%00b", "/%%20"}) {
    SCOPED_TRACE(text);
    const auto got = parse_target(text);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
  }
}

}  // namespace
}  // namespace hearth::net
