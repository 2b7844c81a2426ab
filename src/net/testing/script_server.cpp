#include "net/testing/script_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "net/client/socket_bio.h"

namespace hearth::net::testing {

bool Peer::read_more() {
  std::array<char, 16 * 1024> buffer;
  const auto count = tls_ ? SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()))
                          : ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string Peer::read_until(std::string_view text) {
  for (;;) {
    const auto at = received_.find(text);
    if (at != std::string::npos) {
      std::string taken = received_.substr(0, at + text.size());
      received_.erase(0, taken.size());
      return taken;
    }
    if (!read_more()) return std::exchange(received_, {});
  }
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Peer::wait_for_end() {
  while (read_more()) received_.clear();
}

void Peer::cut(bool reset) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (reset) ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  is_cut_ = true;
  if (!reset) ::shutdown(descriptor_, SHUT_RDWR);
}

bool Peer::begin_tls(const Certificate& certificate) {
  context_ = {SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  SSL_CTX_use_certificate(context_.get(), certificate.x509.get());
  SSL_CTX_use_PrivateKey(context_.get(), certificate.key.get());
  tls_ = {SSL_new(context_.get()), SSL_free};
  BIO* const socket = socket_bio(descriptor_);
  SSL_set_bio(tls_.get(), socket, socket);
  return SSL_accept(tls_.get()) == 1;
}

void Peer::join(int other) {
  std::array<pollfd, 2> ends = {pollfd{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = other, .events = POLLIN, .revents = 0}};
  std::array<char, 16 * 1024> buffer;
  while (::poll(ends.data(), ends.size(), -1) > 0) {
    for (std::size_t from = 0; from < ends.size(); ++from) {
      if (ends[from].revents == 0) continue;
      const auto count = ::recv(ends[from].fd, buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      ::send(ends[1 - from].fd, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
    }
  }
}

void Peer::close() {
  if (tls_ && !is_cut_) SSL_shutdown(tls_.get());
}

ScriptServer::ScriptServer(Script script, std::optional<Certificate> certificate)
    : script_(std::move(script)), certificate_(std::move(certificate)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  HEARTH_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "port 0");
  HEARTH_CHECK(::listen(listener_, 1'024) == 0, "it is bound");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] { accept_clients(); });
}

ScriptServer::~ScriptServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  {
    const MutexLock lock(mutex_);
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  threads_.clear();
  ::close(listener_);
}

void ScriptServer::accept_clients() {
  for (;;) {
    const int descriptor = ::accept(listener_, nullptr, nullptr);
    if (descriptor < 0) return;
    {
      const MutexLock lock(mutex_);
      open_.push_back(descriptor);
    }
    const int number = clients_.fetch_add(1);
    threads_.emplace_back([this, descriptor, number] { serve(descriptor, number); });
  }
}

void ScriptServer::serve(int descriptor, int number) {
  Peer peer(descriptor, number);
  if (!certificate_ || peer.begin_tls(*certificate_)) {
    script_(peer);
    peer.close();
  }
  const MutexLock lock(mutex_);
  std::erase(open_, descriptor);
  ::close(descriptor);
}

std::string ok_answer(std::string_view body, const std::string& extra_headers) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         extra_headers + "\r\n" + std::string(body);
}

}  // namespace hearth::net::testing
