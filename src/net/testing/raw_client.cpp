#include "net/testing/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "net/server/words.h"

namespace hearth::net::testing {

RawClient::RawClient(std::uint16_t port, const std::string& host) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = host.find(':') != std::string::npos;
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  void* target = is_v6 ? static_cast<void*>(&v6.sin6_addr) : static_cast<void*>(&v4.sin_addr);
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host.c_str(), target) != 1) return;
  fd_ = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  const socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
  if (::connect(fd_, address, size) != 0) close();
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd watched{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(kPatience.count())) <= 0) return false;
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawClient::read_more() {
  pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
  if (fd_ < 0 || ::poll(&watched, 1, static_cast<int>(kPatience.count())) <= 0) return false;
  std::array<char, 16 * 1024> buffer;
  const auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::take(std::size_t count) {
  while (received_.size() < count && read_more()) {
  }
  auto taken = received_.substr(0, count);
  received_.erase(0, taken.size());
  return taken;
}

bool RawClient::read_until(std::string_view text) {
  while (received_.find(text) == std::string::npos) {
    if (!read_more()) return false;
  }
  return true;
}

bool RawClient::readable_within(Millis time) const {
  pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

std::string RawClient::read_all() {
  while (read_more()) {
  }
  return std::exchange(received_, {});
}

bool RawClient::closes_silently() {
  pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, static_cast<int>(kPatience.count())) <= 0) return false;
  char byte = 0;
  return received_.empty() && ::recv(fd_, &byte, 1, 0) <= 0;
}

std::string RawClient::read_chunks() {
  std::string body;
  for (;;) {
    if (!read_until("\r\n")) return body + "[cut]";
    const auto line = take(received_.find("\r\n") + 2);
    std::size_t size = 0;
    std::from_chars(line.data(), line.data() + line.size(), size, 16);
    const auto piece = take(size + 2);
    if (piece.size() < size + 2) return body + "[cut]";
    if (size == 0) return body;
    body.append(piece, 0, size);
  }
}

Response RawClient::read_response(bool to_head) {
  Response response{.status = 0};
  if (!read_until("\r\n\r\n")) return response;
  const auto head = take(received_.find("\r\n\r\n") + 4);
  std::from_chars(head.data() + 9, head.data() + 12, response.status);
  std::size_t length = 0;
  bool chunked = false;
  for (auto at = head.find("\r\n") + 2; at + 2 < head.size();) {
    const auto end = head.find("\r\n", at);
    const auto colon = head.find(": ", at);
    const auto name = head.substr(at, colon - at);
    const auto value = head.substr(colon + 2, end - colon - 2);
    if (same_word(name, "Content-Length")) {
      std::from_chars(value.data(), value.data() + value.size(), length);
    }
    if (same_word(name, "Transfer-Encoding")) chunked = true;
    response.headers.emplace_back(name, value);
    at = end + 2;
  }
  if (!to_head) response.body = chunked ? read_chunks() : take(length);
  return response;
}

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

std::string get_request(const std::string& path, const std::string& extra_headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + extra_headers + "\r\n";
}

std::string post_request(const std::string& path, const std::string& body,
                         const std::string& extra_headers) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         extra_headers + "\r\n" + body;
}

}  // namespace hearth::net::testing
