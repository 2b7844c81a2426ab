#include "net/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReadProxies, LowerCaseWinsAndEmptyIsNone) {
  const auto got = read_proxies({{"HTTP_PROXY", "http://upper:1"},
                                 {"http_proxy", "http://lower:2"},
                                 {"HTTPS_PROXY", "me:pw@secure:3"},
                                 {"https_proxy", ""},
                                 {"NO_PROXY", "A.example, 10.0.0.0/8 b:81,,"}});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().http->origin(), "http://lower:2");
  EXPECT_EQ(got.value().https->origin(), "http://secure:3");
  EXPECT_EQ(got.value().https->user, "me:pw");
  EXPECT_EQ(got.value().direct, (std::vector<std::string>{"a.example", "10.0.0.0/8", "b:81"}));
  EXPECT_FALSE(read_proxies({}).value().http);
}

TEST(ReadProxies, RefusesWhatIsNoHttpProxyWithoutQuotingIt) {
  for (const char* value : {"https://p:1", "socks5://u:hunter2@p:1", "http://u:hunter2@p:x"}) {
    const auto got = read_proxies({{"HTTPS_PROXY", value}});
    ASSERT_FALSE(got.ok()) << value;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, "HTTPS_PROXY");
    EXPECT_THAT(got.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(ReadProxies, BoundsTheDirectHosts) {
  std::string many = "h";
  for (std::size_t i = 1; i < Proxies::kDirectMax; ++i) many += ",h";
  EXPECT_TRUE(read_proxies({{"no_proxy", many}}).ok());
  EXPECT_EQ(read_proxies({{"no_proxy", many + ",h"}}).error().code, Code::TooLarge);
}

TEST(ForUrl, Table) {
  struct Case {
    const char *direct, *url;
    bool proxied;
  };
  const Case kCases[] = {
      {"", "https://api.example/", true},
      {"*", "https://api.example/", false},
      {"example", "https://api.example/", false},
      {".example", "https://api.example/", false},
      {"*.example", "https://api.example/", false},
      {"api.example", "https://api.example/", false},
      {"pi.example", "https://api.example/", true},
      {"api.example:443", "https://api.example/", false},
      {"api.example:444", "https://api.example/", true},
      {"10.0.0.0/8", "http://10.1.2.3/", false},
      {"10.0.0.0/9", "http://10.128.2.3/", true},
      {"10.0.0.0/33", "http://10.0.0.0/", true},
      {"10.0.0.0/x", "http://10.0.0.0/", true},
      {"0.0.0.0/0", "http://10.0.0.1/", false},
      {"10.1.2.3", "http://10.1.2.3/", false},
      {"10.1.2.3", "http://10.1.2.33/", true},
      {"[fd00::]/8", "http://[fd12::1]/", false},
      {"fd00::/8", "http://[fe12::1]/", true},
      {"[fd12::1]:80", "http://[fd12::1]/", false},
      {"fd12::1", "http://[fd12:0::1]/", false},
      {"", "http://127.0.0.1:8080/", false},
      {"", "https://localhost/", false},
      {"", "http://[::1]/", false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.direct) + " " + c.url);
    const auto proxies =
        read_proxies({{"http_proxy", "p:1"}, {"https_proxy", "p:2"}, {"no_proxy", c.direct}});
    ASSERT_TRUE(proxies.ok());
    const auto url = parse_url(c.url).value();
    const Url* const proxy = proxies.value().for_url(url);
    EXPECT_EQ(proxy != nullptr, c.proxied);
    if (proxy) {
      EXPECT_EQ(proxy->port, url.scheme == Scheme::Https ? 2 : 1);
    }
  }
}

}  // namespace
}  // namespace hearth::net
