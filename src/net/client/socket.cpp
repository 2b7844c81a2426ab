#include "net/client/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace hearth::net {
namespace {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

std::optional<Endpoint> read_literal(const std::string& host, std::uint16_t port) {
  Endpoint endpoint;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    endpoint.size = sizeof(sockaddr_in);
    return endpoint;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    endpoint.size = sizeof(sockaddr_in6);
    return endpoint;
  }
  return std::nullopt;
}

Result<std::vector<Endpoint>> endpoints_of(const std::string& host, std::uint16_t port) {
  std::vector<std::string> literals = {host};
  if (host == "localhost") literals = {"127.0.0.1", "::1"};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    literals = {host.substr(1, host.size() - 2)};
  }
  std::vector<Endpoint> endpoints;
  for (const auto& literal : literals) {
    const auto endpoint = read_literal(literal, port);
    if (endpoint) endpoints.push_back(*endpoint);
  }
  if (!endpoints.empty()) return endpoints;
  return Error{Code::InvalidInput, "'" + host + "' is neither an IP address nor \"localhost\"",
               "host"};
}

/// Milliseconds for poll(), rounded up so that it never wakes just before the deadline.
int poll_timeout_ms(const Call& call) {
  constexpr std::int64_t kLongestMs = 60'000;  // poll takes an int; the loop around it goes on
  const auto left = std::chrono::ceil<Millis>(call.deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kLongestMs));
}

/// 0, or the error number that connecting ended with.
int connect_error(int fd) {
  int problem = 0;
  socklen_t size = sizeof(problem);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Descriptor old(std::exchange(fd_, other.release()));
  return *this;
}

int Descriptor::release() { return std::exchange(fd_, -1); }

Result<ClientSocket::Waker> ClientSocket::Waker::open() {
  Waker waker;
  waker.event_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (waker.event_.is_open()) return waker;
  return Error{Code::Unavailable, std::string("cannot open an eventfd: ") + std::strerror(errno)};
}

std::function<void()> ClientSocket::Waker::ring() const {
  return [event = fd()] {
    const std::uint64_t one = 1;
    // It can only fail when the counter is full, and then poll() wakes as well.
    [[maybe_unused]] const auto written = ::write(event, &one, sizeof(one));
  };
}

Result<ClientSocket> ClientSocket::connect(const Call& call, const std::string& host,
                                           std::uint16_t port) {
  TRY(const auto endpoints, endpoints_of(host, port));
  int problem = 0;
  for (const auto& endpoint : endpoints) {
    TRY(auto waker, Waker::open());
    Descriptor fd(
        ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) {
      problem = errno;
      continue;
    }
    const auto* address = reinterpret_cast<const sockaddr*>(&endpoint.address);
    const bool done = ::connect(fd.fd(), address, endpoint.size) == 0;
    problem = done || errno == EINPROGRESS ? 0 : errno;
    const int on = 1;
    ::setsockopt(fd.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    ClientSocket socket(std::move(fd), std::move(waker));
    if (problem == 0) {
      TRY_VOID(socket.wait(call, true));
      problem = connect_error(socket.socket_.fd());
    }
    if (problem == 0) return socket;
  }
  return Error{Code::Unavailable, "cannot connect to " + host + ":" + std::to_string(port) + ": " +
                                      std::strerror(problem)};
}

Result<ClientSocket::Ready> ClientSocket::wait(const Call& call, bool for_writing) const {
  const std::stop_callback on_stop(call.stop, waker_.ring());
  const short events = for_writing ? POLLIN | POLLOUT : POLLIN;
  std::array<pollfd, 2> watched = {pollfd{.fd = socket_.fd(), .events = events, .revents = 0},
                                   pollfd{.fd = waker_.fd(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const int count = ::poll(watched.data(), watched.size(), poll_timeout_ms(call));
    if (call.stop.stop_requested()) return Error{Code::Cancelled, "stopped while waiting"};
    const auto seen = watched[0].revents;
    if (count > 0 && seen != 0) {
      // After an error or the end, both reading and writing say what happened.
      const bool over = (seen & (POLLERR | POLLHUP)) != 0;
      return Ready{.readable = over || (seen & POLLIN) != 0,
                   .writable = for_writing && (over || (seen & POLLOUT) != 0)};
    }
    if (Clock::now() >= call.deadline) return Error{Code::Timeout, "no answer in time"};
  }
}

Result<std::optional<std::size_t>> ClientSocket::read_some(std::span<char> into) const {
  const auto count = ::recv(socket_.fd(), into.data(), into.size(), 0);
  if (count >= 0) return std::optional<std::size_t>(static_cast<std::size_t>(count));
  if (errno == EAGAIN || errno == EINTR) return std::optional<std::size_t>();
  return Error{Code::Unavailable, std::string("the connection broke: ") + std::strerror(errno)};
}

std::optional<std::size_t> ClientSocket::write_some(std::string_view bytes) const {
  const auto count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return std::nullopt;
}

}  // namespace hearth::net
