#include "net/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseUrl, TakesUrlsApart) {
  struct Case {
    const char *text, *origin, *host, *target, *user;
    int port;
  };
  const Case kCases[] = {
      {"https://example.org", "https://example.org", "example.org", "/", "", 443},
      {"HTTP://Example.ORG/a?b=c#d", "http://example.org", "example.org", "/a?b=c", "", 80},
      {"https://h:8443/", "https://h:8443", "h", "/", "", 8443},
      {"https://h:443/", "https://h", "h", "/", "", 443},
      {"http://h.?x", "http://h", "h", "/?x", "", 80},
      {"http://[::1]:81/x", "http://[::1]:81", "::1", "/x", "", 81},
      {"https://[2001:DB8::1]", "https://[2001:db8::1]", "2001:db8::1", "/", "", 443},
      {"http://me:p%40ss@proxy:3128", "http://proxy:3128", "proxy", "/", "me:p@ss", 3128},
      {"http://a@b@h/", "http://h", "h", "/", "a@b", 80},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_url(c.text);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().origin(), c.origin);
    EXPECT_EQ(got.value().host, c.host);
    EXPECT_EQ(got.value().target, c.target);
    EXPECT_EQ(got.value().user, c.user);
    EXPECT_EQ(got.value().port, c.port);
  }
}

TEST(ParseUrl, RefusesWhatIsNone) {
  for (const char* text :
       {"", "example.org", "ftp://h/", "file:///etc/passwd", "http://", "http:///x", "http://h:0/",
        "http://h:65536/", "http://h:8x/", "http://h:-1/", "http://a b/", "http://h/a b",
        "http://h/\r\nX: y", "http://[::1", "http://[::g]/", "http://h/\x80", "http://%zz@h/",
        "http://h/\"<>"}) {
    SCOPED_TRACE(text);
    const auto got = parse_url(text);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
  }
}

TEST(ParseUrl, BoundsAreAtTheirEdges) {
  const std::string start = "http://h/";
  EXPECT_TRUE(parse_url(start + std::string(kUrlBytesMax - start.size(), 'a')).ok());
  EXPECT_EQ(parse_url(start + std::string(kUrlBytesMax - start.size() + 1, 'a')).error().code,
            Code::TooLarge);
  EXPECT_TRUE(parse_url("http://" + std::string(kHostBytesMax, 'a')).ok());
  EXPECT_FALSE(parse_url("http://" + std::string(kHostBytesMax + 1, 'a')).ok());
}

TEST(ParseUrl, ErrorsHoldNoSecrets) {
  for (const char* text :
       {"http://u:hunter2@h:99999/", "http://h/a b?key=hunter2", "ftp://u:hunter2@h/"})
    EXPECT_THAT(parse_url(text).error().message, Not(HasSubstr("hunter2")));
}

TEST(ResolveReference, Table) {
  const auto base = parse_url("https://me:pw@h:8443/a/b/c?q").value();
  struct Case {
    const char *reference, *origin, *target;
  };
  const Case kCases[] = {
      {"https://cdn.example/x?sig=1", "https://cdn.example", "/x?sig=1"},
      {"HTTP://other/", "http://other", "/"},
      {"//cdn/x", "https://cdn", "/x"},
      {"/x/y", "https://h:8443", "/x/y"},
      {"x", "https://h:8443", "/a/b/x"},
      {"../x", "https://h:8443", "/a/x"},
      {"../../../../x", "https://h:8443", "/x"},
      {"./x/./y/..", "https://h:8443", "/a/b/x/"},
      {"?z", "https://h:8443", "/a/b/c?z"},
      {"#f", "https://h:8443", "/a/b/c?q"},
      {"", "https://h:8443", "/a/b/c?q"},
      {"/a/b:c", "https://h:8443", "/a/b:c"},
      {"/a?x=../b", "https://h:8443", "/a?x=../b"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.reference);
    const auto got = resolve_reference(base, c.reference);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().origin(), c.origin);
    EXPECT_EQ(got.value().target, c.target);
    EXPECT_EQ(got.value().user, "");
  }
  for (const char* bad : {"mailto:x", "javascript:1", "/a b", "//"})
    EXPECT_FALSE(resolve_reference(base, bad).ok()) << bad;
}

TEST(IsLoopbackHost, Table) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"128.0.0.1", "example.org", "localhost.example", "10.0.0.1", "::2", ""})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace hearth::net
