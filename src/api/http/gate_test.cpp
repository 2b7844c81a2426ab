#include "api/http/gate.h"

#include <gtest/gtest.h>

namespace hearth::api {
namespace {

net::Request with_headers(net::Headers headers, std::string method = "POST") {
  return {std::move(method), "/", "/", "", std::move(headers), "", ""};
}

int status_of(const std::optional<HttpError>& refused) { return refused ? refused->status : 200; }

TEST(SplitHost, Table) {
  struct Case {
    const char* text;
    const char* host;  // nullptr: refused
    const char* port;
  };
  const Case kCases[] = {
      {"localhost", "localhost", ""},
      {"LocalHost:11435", "localhost", "11435"},
      {"localhost.", "localhost", ""},
      {"127.0.0.1:80", "127.0.0.1", "80"},
      {"[::1]", "::1", ""},
      {"[::1]:65535", "::1", "65535"},
      {"my_host-1.lan:1", "my_host-1.lan", "1"},
      {"", nullptr, ""},
      {".", nullptr, ""},
      {":80", nullptr, ""},
      {"a:", nullptr, ""},
      {"a:b", nullptr, ""},
      {"a:123456", nullptr, ""},
      {"a:1:2", nullptr, ""},
      {"::1", nullptr, ""},
      {"[::1", nullptr, ""},
      {"[localhost]", nullptr, ""},
      {"[::1]x", nullptr, ""},
      {"a/b", nullptr, ""},
      {"user@localhost", nullptr, ""},
      {"a b", nullptr, ""},
      {"localhost, evil.example", nullptr, ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = split_host(c.text);
    ASSERT_EQ(got.has_value(), c.host != nullptr);
    if (got) {
      EXPECT_EQ(*got, (HostPort{c.host, c.port}));
    }
  }
}

TEST(CheckHost, Table) {
  struct Case {
    const char* bound;
    const char* host;
    int status;
  };
  const Case kCases[] = {
      {"127.0.0.1", "localhost:11435", 200},
      {"127.0.0.1", "127.0.0.1:11435", 200},
      {"127.0.0.1", "127.9.9.9", 200},
      {"127.0.0.1", "[::1]:11435", 200},
      {"127.0.0.1", "app.localhost", 200},
      {"127.0.0.1", "listed.lan:1", 200},
      {"127.0.0.1", "LISTED.lan", 200},
      {"127.0.0.1", "evil.example", 403},
      {"127.0.0.1", "127.0.0.1.evil.example", 403},
      {"127.0.0.1", "localhost.evil.example", 403},
      {"127.0.0.1", "192.168.1.5", 403},
      {"127.0.0.1", "2130706433", 403},
      {"192.168.1.5", "192.168.1.5:11435", 200},
      {"192.168.1.5", "192.168.1.6", 403},
      {"0.0.0.0", "192.168.1.6", 200},
      {"::", "[fe80::1]:11435", 200},
      {"0.0.0.0", "evil.example", 403},
      {"127.0.0.1", "not a host", 403},
  };
  for (const Case& c : kCases) {
    const GateRules rules{c.bound, {"Listed.lan"}, {}, {}};
    EXPECT_EQ(status_of(check_host(rules, with_headers({{"Host", c.host}}))), c.status)
        << c.bound << " " << c.host;
  }
}

TEST(CheckHost, WantsExactlyOne) {
  const GateRules rules{"127.0.0.1"};
  EXPECT_EQ(status_of(check_host(rules, with_headers({}))), 403);
  EXPECT_EQ(
      status_of(check_host(rules, with_headers({{"Host", "localhost"}, {"HOST", "localhost"}}))),
      403);
}

TEST(CheckOrigin, Table) {
  struct Case {
    const char* origin;  // nullptr: none
    const char* host;
    int status;
  };
  const Case kCases[] = {
      {nullptr, "localhost:11435", 200},
      {"http://localhost:11435", "localhost:11435", 200},
      {"http://LOCALHOST:11435", "localhost:11435", 200},
      {"http://localhost", "localhost:80", 200},
      {"http://localhost:80", "localhost", 200},
      {"https://box.lan", "box.lan", 200},
      {"http://[::1]:11435", "[::1]:11435", 200},
      {"https://app.example", "localhost:11435", 200},  // listed
      {"http://localhost:3000", "localhost:11435", 403},
      {"http://127.0.0.1:11435", "localhost:11435", 403},
      {"http://evil.example", "localhost:11435", 403},
      {"http://app.example", "localhost:11435", 403},
      {"https://app.example.evil.example", "localhost:11435", 403},
      {"null", "localhost:11435", 403},
      {"", "localhost:11435", 403},
      {"file://", "localhost:11435", 403},
      {"chrome-extension://localhost", "localhost", 403},
  };
  const GateRules rules{"127.0.0.1", {}, {"https://app.example"}, {}};
  for (const Case& c : kCases) {
    net::Headers headers{{"Host", c.host}};
    if (c.origin) headers.emplace_back("Origin", c.origin);
    EXPECT_EQ(status_of(check_origin(rules, with_headers(headers))), c.status)
        << (c.origin ? c.origin : "none") << " at " << c.host;
  }
}

TEST(CheckOrigin, AStarAllowsEveryPage) {
  const GateRules rules{"127.0.0.1", {}, {"*"}, {}};
  EXPECT_FALSE(check_origin(rules, with_headers({{"Origin", "null"}})));
}

TEST(CheckToken, Table) {
  struct Case {
    net::Headers headers;
    int status;
  };
  const Case kCases[] = {
      {{{"Authorization", "Bearer first-token"}}, 200},
      {{{"authorization", "bearer  second-token"}}, 200},
      {{{"X-Api-Key", "second-token"}}, 200},
      {{{"Authorization", "Bearer wrong"}, {"X-Api-Key", "first-token"}}, 200},
      {{}, 401},
      {{{"Authorization", "Bearer "}}, 401},
      {{{"Authorization", "first-token"}}, 401},
      {{{"Authorization", "Basic first-token"}}, 401},
      {{{"Authorization", "Bearer first-toke"}}, 401},
      {{{"Authorization", "Bearer first-token "}}, 401},
      {{{"Authorization", "Bearer FIRST-TOKEN"}}, 401},
      {{{"X-Api-Key", ""}}, 401},
  };
  GateRules rules{"127.0.0.1"};
  EXPECT_FALSE(check_token(rules, with_headers({}))) << "no tokens, no authentication";
  rules.tokens.emplace_back("first-token");
  rules.tokens.emplace_back("second-token");
  int row = 0;
  for (const Case& c : kCases)
    EXPECT_EQ(status_of(check_token(rules, with_headers(c.headers))), c.status) << "row " << row++;
}

TEST(AccountOf, IsTheTokensAndOnlyTheTokens) {
  GateRules rules{"127.0.0.1"};
  EXPECT_EQ(account_of(rules, with_headers({{"X-Api-Key", "first-token"}})), 0u);
  rules.tokens.emplace_back("first-token");
  rules.tokens.emplace_back("second-token");
  const auto first = account_of(rules, with_headers({{"Authorization", "Bearer first-token"}}));
  const auto second = account_of(rules, with_headers({{"Authorization", "Bearer second-token"}}));
  // echo -n first-token | sha256sum
  EXPECT_EQ(first, 0x55b4b48f529c3d2du);
  EXPECT_NE(first, second);
  EXPECT_EQ(account_of(rules, with_headers({{"X-Api-Key", "first-token"}})), first);
  EXPECT_EQ(account_of(rules, with_headers({{"X-Api-Key", "third-token"}})), 0u);
  EXPECT_EQ(account_of(rules, with_headers({})), 0u);
  EXPECT_TRUE(is_operator(rules, first));
  EXPECT_FALSE(is_operator(rules, second));
  EXPECT_FALSE(is_operator(rules, 0));
  EXPECT_TRUE(is_operator(GateRules{"127.0.0.1"}, 0));
}

TEST(CheckContentType, Table) {
  struct Case {
    const char* origin;
    const char* type;
    int status;
  };
  const Case kCases[] = {
      {nullptr, nullptr, 200},
      {nullptr, "application/x-www-form-urlencoded", 200},
      {"http://localhost", "application/json", 200},
      {"http://localhost", "Application/JSON ; charset=utf-8", 200},
      {"http://localhost", "text/plain", 415},
      {"http://localhost", "application/jsonp", 415},
      {"http://localhost", "", 415},
      {"http://localhost", nullptr, 415},
  };
  for (const Case& c : kCases) {
    net::Headers headers;
    if (c.origin) headers.emplace_back("Origin", c.origin);
    if (c.type) headers.emplace_back("Content-Type", c.type);
    EXPECT_EQ(status_of(check_content_type(with_headers(headers))), c.status)
        << (c.type ? c.type : "none");
  }
}

std::string find(const net::Headers& headers, const std::string& name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "absent";
}

TEST(Cors, IsOffUnlessConfigured) {
  const auto request = with_headers({{"Origin", "https://app.example"}});
  EXPECT_TRUE(cors_headers(GateRules{"127.0.0.1"}, request).empty());
  const GateRules rules{"127.0.0.1", {}, {"https://app.example"}, {}};
  EXPECT_EQ(find(cors_headers(rules, request), "Access-Control-Allow-Origin"),
            "https://app.example");
  EXPECT_EQ(find(cors_headers(rules, request), "Vary"), "Origin");
  EXPECT_TRUE(cors_headers(rules, with_headers({{"Origin", "https://other.example"}})).empty());
  EXPECT_TRUE(cors_headers(rules, with_headers({})).empty());
}

TEST(Cors, AnswersPreflights) {
  const GateRules rules{"127.0.0.1", {}, {"https://app.example"}, {}};
  const net::Headers asked{{"Origin", "https://app.example"},
                           {"Access-Control-Request-Method", "POST"},
                           {"Access-Control-Request-Headers", "content-type, x-stainless-os"}};
  const auto request = with_headers(asked, "OPTIONS");
  EXPECT_TRUE(is_preflight(request));
  EXPECT_FALSE(is_preflight(with_headers(asked, "POST")));
  EXPECT_FALSE(is_preflight(with_headers({{"Origin", "https://app.example"}}, "OPTIONS")));
  const auto answer = preflight_answer(rules, request);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(find(answer.headers, "Access-Control-Allow-Headers"), "content-type, x-stainless-os");
  auto odd = asked;
  odd[2].second = "a\r\nSet-Cookie: b";
  EXPECT_EQ(find(preflight_answer(rules, with_headers(odd, "OPTIONS")).headers,
                 "Access-Control-Allow-Headers"),
            "authorization, content-type, x-api-key");
}

}  // namespace
}  // namespace hearth::api
