#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "net/testing/authority.h"

struct ssl_st;
struct ssl_ctx_st;

namespace hearth::net::testing {

/// For tests: one client as a scripted server sees it. Blocks; one thread.
class Peer {
 public:
  /// The bytes up to and with `text`; what came if the client left before.
  std::string read_until(std::string_view text);
  std::string read_head() { return read_until("\r\n\r\n"); }
  /// False once the client has gone.
  bool send(std::string_view bytes);
  /// Waits until the client has left.
  void wait_for_end();
  /// Closes without TLS's good-bye; `reset`: with RST.
  void cut(bool reset = false);
  /// From now on TLS is spoken, as behind a proxy that was asked for a tunnel.
  bool begin_tls(const Certificate& certificate);
  /// Sends what a client with this and `other` says to the other, until one ends.
  void join(int other);
  int number() const { return number_; }  // 0 is the first client

 private:
  friend class ScriptServer;
  Peer(int descriptor, int number) : descriptor_(descriptor), number_(number) {}
  bool read_more();
  void close();

  const int descriptor_;
  const int number_;
  std::shared_ptr<ssl_ctx_st> context_{};
  std::shared_ptr<ssl_st> tls_{};
  std::string received_{};
  bool is_cut_ = false;
};

/// For tests: a server on 127.0.0.1 that runs a script for each client, on a thread each. When it
/// ends, all clients are cut.
class ScriptServer {
 public:
  using Script = std::function<void(Peer&)>;
  explicit ScriptServer(Script script, std::optional<Certificate> certificate = {});
  ~ScriptServer();
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  std::uint16_t port() const { return port_; }
  int clients() const { return clients_.load(); }

 private:
  void accept_clients();
  void serve(int descriptor, int number);

  const Script script_;
  const std::optional<Certificate> certificate_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> clients_{0};
  Mutex mutex_;
  std::vector<int> open_ GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;  // the accepting thread's
  std::jthread accepting_;
};

/// "HTTP/1.1 200 OK" with this body, whose connection may be kept.
std::string ok_answer(std::string_view body, const std::string& extra_headers = "");

}  // namespace hearth::net::testing
