#include "net/client/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hearth::net {
namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

Io failed(int number) { return {.kind = Io::Kind::Failed, .problem = std::strerror(number)}; }

Io plain(ssize_t count, Io::Kind waits) {
  if (count > 0) return {.count = static_cast<std::size_t>(count)};
  if (count == 0) return {.kind = Io::Kind::Ended};
  if (errno == EAGAIN || errno == EINTR) return {.kind = waits};
  if (errno == ECONNRESET || errno == EPIPE) return {.kind = Io::Kind::Cut};
  return failed(errno);
}

}  // namespace

Io Link::connect(const tcp::endpoint& to) {
  // Asio's own sockets would be inherited by the children that this program starts.
  const int descriptor =
      ::socket(to.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return failed(errno);
  error_code problem;
  socket_.assign(to.protocol(), descriptor, problem);
  if (problem) {
    ::close(descriptor);
    return {.kind = Io::Kind::Failed, .problem = problem.message()};
  }
  socket_.native_non_blocking(true, problem);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(descriptor, to.data(), static_cast<socklen_t>(to.size())) == 0) return {};
  if (errno == EINPROGRESS) return {.kind = Io::Kind::WantsWrite};
  return failed(errno);
}

Io Link::connected() {
  int problem = 0;
  socklen_t size = sizeof(problem);
  if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
    problem = errno;
  if (problem != 0) return failed(problem);
  // Without an error it is connected only if the other side has a name.
  sockaddr_storage peer{};
  size = sizeof(peer);
  const bool done =
      ::getpeername(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  if (done) return {};
  return {.kind = Io::Kind::WantsWrite};
}

Result<void> Link::begin_tls(std::shared_ptr<const TlsContext> context, const std::string& host) {
  TRY(tls_, TlsSession::begin(std::move(context), socket_.native_handle(), host));
  return ok();
}

Io Link::read(std::span<char> into) {
  if (tls_) return tls_->read(into);
  return plain(::recv(socket_.native_handle(), into.data(), into.size(), 0), Io::Kind::WantsRead);
}

Io Link::write(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  return plain(::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
               Io::Kind::WantsWrite);
}

void Link::watch(Io::Kind wanted) {
  const bool for_reading = wanted == Io::Kind::WantsRead;
  bool& watching = for_reading ? watching_read_ : watching_write_;
  if (watching || !is_open()) return;
  watching = true;
  socket_.async_wait(
      for_reading ? tcp::socket::wait_read : tcp::socket::wait_write,
      [self = shared_from_this(), &watching](const error_code&) { self->ready(watching); });
}

void Link::ready(bool& watching) {
  watching = false;
  if (!ring_) return;
  const auto ring = ring_;  // it may put another in its place
  ring();
}

void Link::close() {
  if (!is_open()) return;
  if (tls_) tls_->close();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace hearth::net
