#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "net/client.h"
#include "net/testing/parked.h"
#include "net/testing/script_server.h"

namespace hearth::net {
namespace {

using testing::Authority;
using ::testing::HasSubstr;
using testing::kLong;
using testing::ok_answer;
using testing::Peer;
using testing::ScriptServer;
using ::testing::StartsWith;

/// A file that goes with the test.
class PemFile {
 public:
  explicit PemFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("hearth-ca-" + std::to_string(::getpid()) + "-" + std::to_string(++made))) {
    std::ofstream(path_) << text;
  }
  ~PemFile() { std::filesystem::remove(path_); }
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;
  std::string path() const { return path_; }

 private:
  static inline int made = 0;
  const std::filesystem::path path_;
};

void say_hello(Peer& peer) {
  while (peer.read_head().ends_with("\r\n\r\n")) peer.send(ok_answer("hello"));
}

class Tls : public ::testing::Test {
 protected:
  Result<Response> fetch(std::uint16_t port, const std::string& host = "localhost",
                         ClientOptions options = {}) {
    if (options.ca_file.empty()) options.ca_file = trusted_.path();
    // Every name is this machine.
    options.lookup = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; };
    auto client = Client::open(std::move(options));
    if (!client.ok()) return client.error();
    return client.value()->fetch(Call::within(kLong), to(port, host));
  }
  static ClientRequest to(std::uint16_t port, const std::string& host = "localhost") {
    return {.scheme = Scheme::Https, .host = host, .port = port, .target = "/x?key=hunter2"};
  }

  const Authority authority_{};
  const PemFile trusted_{authority_.pem()};
};

TEST_F(Tls, SpeaksToWhoIsTrusted) {
  std::string seen;
  ScriptServer server(
      [&](Peer& peer) {
        seen = peer.read_head();
        peer.send(ok_answer("hello"));
      },
      authority_.issue({}));
  const auto got = fetch(server.port());
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().body, "hello");
  EXPECT_THAT(seen, StartsWith("GET /x?key=hunter2 HTTP/1.1\r\nHost: localhost:"));
  EXPECT_THAT(seen, HasSubstr("User-Agent: hearth/"));
}

TEST_F(Tls, ACertificateMustBeForTheHost) {
  struct Case {
    std::vector<std::string> names;
    const char* host;
    bool accepted;
  };
  const Case kCases[] = {
      {{"DNS:localhost"}, "localhost", true},
      {{"DNS:a.example", "DNS:b.example"}, "b.example", true},
      {{"DNS:*.api.example"}, "v1.api.example", true},
      {{"DNS:*.api.example"}, "a.b.api.example", false},
      {{"DNS:*.api.example"}, "api.example", false},
      {{"DNS:v*.api.example"}, "v1.api.example", false},
      {{"DNS:a.example"}, "b.example", false},
      {{"DNS:a.example"}, "127.0.0.1", false},
      {{"DNS:127.0.0.1"}, "127.0.0.1", false},
      {{"IP:127.0.0.1"}, "127.0.0.1", true},
      {{"IP:127.0.0.2"}, "127.0.0.1", false},
      {{}, "test", false},  // the common name alone counts for nothing: RFC 9525
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.host) + " " + (c.names.empty() ? "" : c.names.front()));
    ScriptServer server(say_hello, authority_.issue({.names = c.names}));
    const auto got = fetch(server.port(), c.host);
    EXPECT_EQ(got.ok(), c.accepted) << (got.ok() ? "" : got.error().message);
    if (got.ok()) continue;
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_EQ(got.error().message, std::string(c.host) + ":" + std::to_string(server.port()) +
                                       ": its certificate was refused: it is for another host");
  }
}

TEST_F(Tls, RefusedCertificatesSayWhy) {
  const Authority stranger("another authority");
  struct Case {
    testing::Certificate certificate;
    const char* words;
  };
  const Case kCases[] = {
      {authority_.issue({.until_seconds = -60}), "certificate has expired"},
      {authority_.issue({.from_seconds = 600}), "certificate is not yet valid"},
      {authority_.issue({.signs_itself = true}), "self-signed certificate"},
      {stranger.issue({}), "unable to get local issuer certificate"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.words);
    bool was_asked = false;
    ScriptServer server([&](Peer& peer) { was_asked = !peer.read_head().empty(); }, c.certificate);
    const auto got = fetch(server.port());
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_THAT(got.error().message, StartsWith("localhost:" + std::to_string(server.port()) +
                                                ": its certificate was refused: "));
    EXPECT_THAT(got.error().message, HasSubstr(c.words));
    EXPECT_FALSE(was_asked);
  }
}

TEST_F(Tls, WhoSpeaksNoTlsIsNamed) {
  ScriptServer plain([](Peer& peer) {
    peer.read_until("\x03");
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.wait_for_end();
  });
  const auto got = fetch(plain.port());
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Unavailable);
  EXPECT_THAT(got.error().message, HasSubstr("the TLS handshake failed: wrong version number"));
  ScriptServer leaves([](Peer& peer) { peer.read_until("\x03"); });
  EXPECT_THAT(fetch(leaves.port()).error().message, HasSubstr("the TLS handshake failed"));
}

TEST_F(Tls, TheListOfAuthoritiesMustBeReadable) {
  ScriptServer server(say_hello, authority_.issue({}));
  const PemFile garbage("no PEM");
  for (const std::string& file : {garbage.path(), std::string("/nowhere/ca.pem")}) {
    const auto got = fetch(server.port(), "localhost", {.ca_file = file});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_THAT(got.error().message, HasSubstr(file));
  }
  const auto options = client_options({{"SSL_CERT_FILE", trusted_.path()}, {"SSL_CERT_DIR", "/d"}});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options.value().ca_file, trusted_.path());
  EXPECT_EQ(options.value().ca_dir, "/d");
}

TEST_F(Tls, ConnectionsAreKept) {
  ScriptServer server(say_hello, authority_.issue({}));
  const auto client = Client::open({.ca_file = trusted_.path()}).value();
  for (int i = 0; i < 5; ++i) {
    const auto got = client->fetch(Call::within(kLong), to(server.port()));
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().body, "hello");
  }
  EXPECT_EQ(server.clients(), 1);
}

TEST_F(Tls, AnAnswerWithoutLengthMustEndInOrder) {
  const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
  ScriptServer in_order(
      [&](Peer& peer) {
        peer.read_head();
        peer.send(answer);
      },
      authority_.issue({}));
  const auto whole = fetch(in_order.port());
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(whole.value().body, "hello");
  ScriptServer cut(
      [&](Peer& peer) {
        peer.read_head();
        peer.send(answer);
        peer.cut();
      },
      authority_.issue({}));
  const auto half = fetch(cut.port());
  ASSERT_FALSE(half.ok());
  EXPECT_EQ(half.error().code, Code::Unavailable);
  EXPECT_THAT(half.error().message, HasSubstr("in the middle"));
}

TEST_F(Tls, LargeBodiesGoBothWays) {
  const std::string large(5'000'000, 'x');
  ScriptServer server(
      [&](Peer& peer) {
        peer.read_until("END");
        peer.send(ok_answer(large));
        peer.wait_for_end();
      },
      authority_.issue({}));
  const auto client = Client::open({.ca_file = trusted_.path()}).value();
  auto request = to(server.port());
  request.method = "POST";
  request.body = large + "END";
  const auto got = client->fetch(Call::within(kLong), request);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().body, large);
}

TEST_F(Tls, NoRedirectLeadsOutOfIt) {
  ScriptServer server(
      [](Peer& peer) {
        peer.read_head();
        peer.send(
            "HTTP/1.1 302 Found\r\nLocation: http://localhost/?t=hunter2\r\n"
            "Content-Length: 0\r\n\r\n");
        peer.wait_for_end();
      },
      authority_.issue({}));
  const auto client = Client::open({.ca_file = trusted_.path()}).value();
  auto request = to(server.port());
  request.redirects_max = 3;
  const auto got = client->fetch(Call::within(kLong), request);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Denied);
  EXPECT_THAT(got.error().message, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(Tls, AHandshakeThatHangsEnds) {
  ScriptServer silent([](Peer& peer) { peer.wait_for_end(); });
  const auto client = Client::open({.ca_file = trusted_.path()}).value();
  auto request = to(silent.port());
  request.timeouts.connect = Millis(50);
  const auto got = client->fetch(Call::within(kLong), request);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::Timeout);
  EXPECT_THAT(got.error().message, HasSubstr("the TLS handshake took too long"));
}

}  // namespace
}  // namespace hearth::net
