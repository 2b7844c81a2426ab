// The client's way: connections that are kept, redirects, proxies, names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <future>
#include <thread>

#include "net/client.h"
#include "net/testing/parked.h"
#include "net/testing/script_server.h"

namespace hearth::net {
namespace {

using testing::Authority;
using ::testing::HasSubstr;
using testing::kLong;
using ::testing::Not;
using testing::ok_answer;
using testing::Peer;
using testing::ScriptServer;
using ::testing::StartsWith;

std::unique_ptr<Client> make_client(ClientOptions options = {}) {
  auto client = Client::open(std::move(options));
  EXPECT_TRUE(client.ok());
  return std::move(client).value();
}

Result<Response> get(Client& client, std::uint16_t port, ClientRequest request = {}) {
  request.port = port;
  return client.fetch(Call::within(kLong), request);
}

/// Answers everything with its number.
void count_clients(Peer& peer) {
  while (peer.read_head().ends_with("\r\n\r\n"))
    peer.send(ok_answer(std::to_string(peer.number())));
}

TEST(Keeping, ConnectionsServeAgain) {
  ScriptServer server(count_clients);
  const auto client = make_client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(*client, server.port()).value().body, "0");
  const auto forgetful = make_client({.limits = {.idle_max = 0}});
  EXPECT_EQ(get(*forgetful, server.port()).value().body, "1");
  EXPECT_EQ(get(*forgetful, server.port()).value().body, "2");
}

TEST(Keeping, NotWhatTheServerCloses) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send(ok_answer(std::to_string(peer.number()), "Connection: close\r\n"));
    peer.wait_for_end();
  });
  const auto client = make_client();
  EXPECT_EQ(get(*client, server.port()).value().body, "0");
  EXPECT_EQ(get(*client, server.port()).value().body, "1");
}

TEST(Keeping, OneThatDiedIsReplaced) {
  // The first client is cut when its second request has come; for the server it looks like any
  // other moment, for the client the connection was still good.
  for (const bool reset : {false, true}) {
    ScriptServer server([&](Peer& peer) {
      peer.read_head();
      peer.send(ok_answer(std::to_string(peer.number())));
      if (peer.read_head().empty() || peer.number() > 0) return;
      peer.cut(reset);
    });
    const auto client = make_client();
    EXPECT_EQ(get(*client, server.port()).value().body, "0");
    const auto again = get(*client, server.port(), {.method = "POST", .body = "x"});
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again.value().body, "1");
  }
}

TEST(Keeping, ANewOneThatDiesIsNotTriedAgain) {
  ScriptServer server([](Peer& peer) { peer.read_head(); });
  const auto client = make_client();
  EXPECT_EQ(get(*client, server.port()).error().code, Code::Unavailable);
  EXPECT_EQ(server.clients(), 1);
}

TEST(Keeping, NoSecondTryOnceTheAnswerHasBegun) {
  ScriptServer server([](Peer& peer) {
    peer.read_head();
    peer.send(ok_answer("0"));
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Len");
  });
  const auto client = make_client();
  EXPECT_TRUE(get(*client, server.port()).ok());
  EXPECT_EQ(get(*client, server.port()).error().code, Code::Unavailable);
  EXPECT_EQ(server.clients(), 1);
}

TEST(Keeping, EndsAfterAWhile) {
  std::promise<void> left;
  ScriptServer server([&](Peer& peer) {
    peer.read_head();
    peer.send(ok_answer("x"));
    peer.wait_for_end();
    left.set_value();
  });
  const auto client = make_client({.limits = {.idle_timeout = Millis(20)}});
  EXPECT_TRUE(get(*client, server.port()).ok());
  EXPECT_EQ(left.get_future().wait_for(kLong), std::future_status::ready);
}

TEST(Keeping, AtMostSoManyOfOneOrigin) {
  // Three answers at a time need three connections; two are kept.
  std::promise<void> all_asked;
  const auto asked = all_asked.get_future().share();
  std::atomic<int> count{0};
  std::promise<void> left;
  ScriptServer server([&](Peer& peer) {
    peer.read_head();
    if (++count == 3) all_asked.set_value();
    asked.wait();
    peer.send(ok_answer("x"));
    peer.wait_for_end();
    if (++count == 4) left.set_value();
  });
  const auto client = make_client({.limits = {.idle_per_origin_max = 2}});
  std::vector<std::jthread> askers;
  for (int i = 0; i < 3; ++i)
    askers.emplace_back([&] { EXPECT_TRUE(get(*client, server.port()).ok()); });
  askers.clear();
  EXPECT_EQ(left.get_future().wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(count.load(), 4);
}

std::string redirect_to(const std::string& location, int status = 302) {
  return "HTTP/1.1 " + std::to_string(status) + " Found\r\nLocation: " + location +
         "\r\nContent-Length: 3\r\n\r\nsee";
}

TEST(Redirects, AreFollowedWhenAskedFor) {
  ScriptServer server([](Peer& peer) {
    for (;;) {
      const auto head = peer.read_head();
      if (head.empty()) return;
      if (head.starts_with("GET /a ")) peer.send(redirect_to("/b"));
      if (head.starts_with("GET /b ")) peer.send(redirect_to("c?x", 307));
      if (head.starts_with("GET /c?x ")) peer.send(ok_answer("there"));
    }
  });
  const auto client = make_client();
  const auto not_asked = get(*client, server.port(), {.target = "/a"});
  EXPECT_EQ(not_asked.value().status, 302);
  EXPECT_EQ(not_asked.value().body, "see");
  const auto one = get(*client, server.port(), {.target = "/a", .redirects_max = 1});
  EXPECT_EQ(one.value().status, 307);
  const auto two = get(*client, server.port(), {.target = "/a", .redirects_max = 2});
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ(two.value().body, "there");
  EXPECT_EQ(server.clients(), 1);
}

TEST(Redirects, SecretsStayWithTheirOrigin) {
  std::string elsewhere_saw, home_saw;
  ScriptServer elsewhere([&](Peer& peer) {
    elsewhere_saw = peer.read_head();
    peer.send(ok_answer("x"));
  });
  ScriptServer home([&](Peer& peer) {
    peer.read_head();
    peer.send(redirect_to("/again"));
    home_saw = peer.read_head();
    peer.send(redirect_to("http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/"));
    peer.wait_for_end();
  });
  const auto client = make_client();
  const auto got = get(*client, home.port(),
                       {.headers = {{"Authorization", "Bearer hunter2"},
                                    {"x-api-key", "hunter2"},
                                    {"Range", "bytes=1-"}},
                        .redirects_max = 5});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_THAT(home_saw, HasSubstr("Bearer hunter2"));
  EXPECT_THAT(elsewhere_saw, Not(HasSubstr("hunter2")));
  EXPECT_THAT(elsewhere_saw, HasSubstr("Range: bytes=1-"));
}

TEST(Redirects, PostBecomesGetWhereItShould) {
  struct Case {
    int status;
    const char* method;
    bool has_body;
  };
  for (const Case& c : {Case{301, "GET", false}, Case{302, "GET", false}, Case{303, "GET", false},
                        Case{307, "POST", true}, Case{308, "POST", true}}) {
    SCOPED_TRACE(c.status);
    std::string seen;
    ScriptServer server([&](Peer& peer) {
      peer.read_until("body");
      peer.send(redirect_to("/b", c.status));
      seen = peer.read_head();
      if (c.has_body) seen += peer.read_until("body");
      peer.send(ok_answer("x"));
    });
    const auto client = make_client();
    const auto got =
        get(*client, server.port(), {.method = "POST", .body = "body", .redirects_max = 1});
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_THAT(seen, StartsWith(std::string(c.method) + " /b HTTP/1.1"));
    EXPECT_EQ(seen.ends_with("body"), c.has_body);
  }
}

TEST(Redirects, ThatLeadNowhereAreErrors) {
  for (const std::string& answer : {std::string("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
                                    redirect_to("ftp://x/"), redirect_to("mailto:hunter2")}) {
    ScriptServer server([&](Peer& peer) {
      peer.read_head();
      peer.send(answer);
      peer.wait_for_end();
    });
    const auto client = make_client();
    const auto got = get(*client, server.port(), {.redirects_max = 1});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_THAT(got.error().message, Not(HasSubstr("hunter2")));
  }
}

ClientOptions through(std::uint16_t proxy_port, const std::string& direct = "") {
  const std::string proxy = "http://me:hunter2@127.0.0.1:" + std::to_string(proxy_port);
  ClientOptions options;
  options.proxies =
      read_proxies({{"http_proxy", proxy}, {"https_proxy", proxy}, {"no_proxy", direct}}).value();
  options.lookup = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; };
  return options;
}
constexpr const char* kProxyUser = "Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n";

TEST(Proxy, PlainRequestsAreHandedToIt) {
  std::string seen;
  ScriptServer proxy([&](Peer& peer) {
    seen = peer.read_head();
    peer.send(ok_answer("x"));
    peer.read_head();
    peer.send(ok_answer("y"));
  });
  const auto client = make_client(through(proxy.port()));
  EXPECT_EQ(get(*client, 80, {.host = "a.example", .target = "/p"}).value().body, "x");
  EXPECT_THAT(seen, StartsWith("GET http://a.example/p HTTP/1.1\r\nHost: a.example\r\n"));
  EXPECT_THAT(seen, HasSubstr(kProxyUser));
  EXPECT_EQ(get(*client, 81, {.host = "b.example"}).value().body, "y");
}

TEST(Proxy, SecureRequestsGoThroughATunnel) {
  const Authority authority;
  const std::string ca = ::testing::TempDir() + "/hearth-proxy-ca.pem";
  FILE* const file = std::fopen(ca.c_str(), "w");
  std::fputs(authority.pem().c_str(), file);
  std::fclose(file);
  const auto certificate = authority.issue({.names = {"DNS:a.example"}});
  std::string asked, inside;
  ScriptServer proxy([&](Peer& peer) {
    asked = peer.read_head();
    peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
    if (!peer.begin_tls(certificate)) return;
    for (int i = 0; i < 2; ++i) {
      inside = peer.read_head();
      peer.send(ok_answer("secret"));
    }
  });
  auto options = through(proxy.port());
  options.ca_file = ca;
  const auto client = make_client(std::move(options));
  const ClientRequest request{.scheme = Scheme::Https, .host = "a.example", .target = "/p"};
  const auto got = get(*client, 443, request);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().body, "secret");
  EXPECT_EQ(asked, std::string("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n") +
                       kProxyUser + "\r\n");
  EXPECT_THAT(inside, StartsWith("GET /p HTTP/1.1\r\nHost: a.example\r\n"));
  EXPECT_THAT(inside, Not(HasSubstr("Proxy-")));
  EXPECT_TRUE(get(*client, 443, request).ok());
  EXPECT_EQ(proxy.clients(), 1);
  std::remove(ca.c_str());
}

TEST(Proxy, WhatItRefusesSaysSo) {
  const std::pair<const char*, const char*> kCases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
       "it wants another user and password (407)"},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", "it refused the connection (status 502)"},
      {"", "it closed the connection without an answer"},
  };
  for (const auto& [answer, words] : kCases) {
    ScriptServer proxy([said = answer](Peer& peer) {
      peer.read_head();
      peer.send(said);
    });
    const auto client = make_client(through(proxy.port()));
    const auto got = get(*client, 443, {.scheme = Scheme::Https, .host = "a.example"});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_EQ(got.error().message,
              "a.example:443: the proxy 127.0.0.1:" + std::to_string(proxy.port()) + ": " + words);
  }
}

TEST(Proxy, IsPassedByWhereItShould) {
  ScriptServer proxy([](Peer&) { ADD_FAILURE() << "nobody asks the proxy"; });
  ScriptServer server(count_clients);
  const auto client = make_client(through(proxy.port(), "direct.example"));
  EXPECT_TRUE(get(*client, server.port(), {.host = "127.0.0.1"}).ok());
  EXPECT_TRUE(get(*client, server.port(), {.host = "localhost"}).ok());
  EXPECT_TRUE(get(*client, server.port(), {.host = "a.direct.example"}).ok());
}

TEST(Names, AllAddressesAreTried) {
  ScriptServer server(count_clients);
  // Nobody listens at the first; the second is no address.
  const auto client = make_client({.lookup = [](const std::string& host) {
    EXPECT_EQ(host, "a.example");
    return std::vector<std::string>{"127.0.0.9", "junk", "127.0.0.1"};
  }});
  const auto got = get(*client, server.port(), {.host = "a.example"});
  EXPECT_TRUE(got.ok()) << got.error().message;
}

/// A listening socket whose line is full: who connects waits.
class FullLine {
 public:
  FullLine() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(filler, reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  ~FullLine() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  FullLine(const FullLine&) = delete;
  FullLine& operator=(const FullLine&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::array<int, 4> fillers_{};
  std::uint16_t port_ = 0;
};

TEST(Names, AnAddressThatHangsIsLeftForTheNext) {
  const FullLine full;
  const auto client = make_client();
  const auto got = get(*client, full.port(), {.timeouts = {.connect = Millis(30)}});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Timeout);
  EXPECT_THAT(got.error().message, HasSubstr("cannot connect: no answer in time"));

  const auto stopped = [&] {
    std::stop_source stop;
    const auto call = Call::within(kLong, stop.get_token());
    auto going =
        std::async(std::launch::async, [&] { return client->fetch(call, {.port = full.port()}); });
    stop.request_stop();
    return going.get();
  }();
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
}

TEST(Names, AFailedLookupSaysSo) {
  const auto client =
      make_client({.lookup = [](const std::string&) -> Result<std::vector<std::string>> {
        return Error{Code::Unavailable, "its address is not known: no answer"};
      }});
  const auto got = get(*client, 80, {.host = "a.example", .target = "/?hunter2"});
  EXPECT_EQ(got.error().message, "a.example:80: its address is not known: no answer");
  const auto none =
      make_client({.lookup = [](const std::string&) { return std::vector<std::string>{}; }});
  EXPECT_EQ(get(*none, 80, {.host = "a.example"}).error().code, Code::Unavailable);
}

TEST(Names, ALookupThatHangsObeysDeadlineAndStop) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> asked{0};
  const auto client = make_client({.lookup = [&](const std::string&) {
    ++asked;
    released.wait();
    return std::vector<std::string>{"127.0.0.1"};
  }});
  const ClientRequest request{.host = "slow.example", .port = 80};
  EXPECT_EQ(client->fetch(Call::within(Millis(20)), request).error().code, Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(client->fetch(Call::within(kLong, stop.get_token()), request).error().code,
            Code::Cancelled);
  EXPECT_EQ(asked.load(), 1);  // one name at one time is asked once
  release.set_value();
}

TEST(Names, TheSystemKnowsThisMachine) {
  const auto client = make_client();
  ScriptServer server(count_clients);
  EXPECT_TRUE(get(*client, server.port(), {.host = "localhost"}).ok());
  const auto nowhere = client->fetch(Call::within(kLong), {.host = "nowhere.invalid", .port = 80});
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, Code::Unavailable);
  EXPECT_THAT(nowhere.error().message, StartsWith("nowhere.invalid:80: its address is not known"));
}

}  // namespace
}  // namespace hearth::net
