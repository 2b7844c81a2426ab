#include "process/frame_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stop_token>

namespace hearth::process {
namespace {

constexpr std::size_t kHeaderBytes = 6;
constexpr std::size_t kReadBytes = 32 * 1024;
constexpr std::size_t kKeptBufferBytes = 1024 * 1024;  // a larger one is freed once it is empty
constexpr std::chrono::seconds kPollMax{3600};         // keeps a far deadline inside a timespec

Error system_error(const char* what) {
  return {Code::Unavailable, std::string(what) + ": " + std::strerror(errno)};
}

Error closed_error() { return {Code::Unavailable, "the other process closed its end"}; }

/// A descriptor that becomes readable when a stop is requested, so that poll can wait for it too.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& stop)
      : fd_(stop.stop_possible() ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1),
        broken_(stop.stop_possible() && fd_ < 0),
        callback_(stop, Ring{fd_}) {}
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool broken() const { return broken_; }
  int fd() const { return fd_.value; }

 private:
  struct Descriptor {
    int value;
    explicit Descriptor(int fd) : value(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
      if (value >= 0) ::close(value);
    }
    bool operator<(int other) const { return value < other; }
    operator int() const { return value; }
  };
  struct Ring {
    int fd;
    void operator()() const noexcept {
      if (fd >= 0) static_cast<void>(eventfd_write(fd, 1));
    }
  };
  // In this order: the callback is gone before the descriptor it writes to.
  Descriptor fd_;
  bool broken_;
  std::stop_callback<Ring> callback_;
};

timespec time_left(Clock::time_point deadline, Clock::time_point now) {
  const auto left = deadline - now;
  if (left >= kPollMax) return {.tv_sec = kPollMax.count(), .tv_nsec = 0};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
}

std::array<char, kHeaderBytes> make_header(const Frame& frame) {
  const auto size = static_cast<std::uint32_t>(frame.payload.size());
  return {static_cast<char>(size),          static_cast<char>(size >> 8),
          static_cast<char>(size >> 16),    static_cast<char>(size >> 24),
          static_cast<char>(frame.version), static_cast<char>(frame.type)};
}

std::uint32_t read_size(const char* bytes) {
  std::uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return size;
}

}  // namespace

FrameChannel::FrameChannel(int fd) : fd_(fd) {
  const int flags = ::fcntl(fd_, F_GETFL);
  ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
}

FrameChannel::~FrameChannel() { ::close(fd_); }

Result<void> FrameChannel::send(const Call& call, const Frame& frame) {
  if (frame.payload.size() > kFrameBytesMax)
    return Error{Code::TooLarge, "a frame of " + std::to_string(frame.payload.size()) +
                                     " bytes; at most " + std::to_string(kFrameBytesMax) +
                                     " are allowed"};
  TRY_VOID(wait_for_turn(call));
  auto written = write_all(call, frame);
  end_turn();
  return written;
}

Result<void> FrameChannel::wait_for_turn(const Call& call) {
  MutexLock lock(mutex_);
  const bool ready = turn_ended_.wait_until(mutex_, call.stop, call.deadline,
                                            [this]() REQUIRES(mutex_) { return !sending_; });
  if (!ready && call.stop.stop_requested())
    return Error{Code::Cancelled, "stopped while waiting to send to the other process"};
  if (!ready) return Error{Code::Timeout, "another frame was still being sent"};
  sending_ = true;
  return ok();
}

void FrameChannel::end_turn() {
  MutexLock lock(mutex_);
  sending_ = false;
  turn_ended_.notify_one();
}

Result<void> FrameChannel::write_all(const Call& call, const Frame& frame) {
  const auto header = make_header(frame);
  const std::size_t total = header.size() + frame.payload.size();
  for (std::size_t done = 0; done < total;) {
    if (closed_) return closed_error();
    const std::size_t of_header = std::min(done, header.size());
    const std::size_t of_payload = done - of_header;
    iovec parts[2] = {
        {const_cast<char*>(header.data()) + of_header, header.size() - of_header},
        {const_cast<char*>(frame.payload.data()) + of_payload, frame.payload.size() - of_payload}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      done += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) return closed_error();
    if (errno != EAGAIN && errno != EWOULDBLOCK) return system_error("cannot send");
    auto ready = wait_until_ready(call, POLLOUT);
    if (ready.ok()) continue;
    if (done > 0) shut_down();
    return ready;
  }
  return ok();
}

Result<Frame> FrameChannel::receive(const Call& call) {
  while (true) {
    if (closed_) return closed_error();
    TRY(auto frame, take_frame());
    if (frame) return *std::move(frame);
    TRY(const bool more, read_more());
    if (!more) TRY_VOID(wait_until_ready(call, POLLIN));
  }
}

Result<std::optional<Frame>> FrameChannel::take_frame() {
  const std::size_t have = received_.size() - taken_;
  if (have < kHeaderBytes) return std::optional<Frame>();
  const char* header = received_.data() + taken_;
  const std::size_t size = read_size(header);
  if (size > kFrameBytesMax)
    return Error{Code::Corrupt, "the other process announced a frame of " + std::to_string(size) +
                                    " bytes; at most " + std::to_string(kFrameBytesMax) +
                                    " are allowed"};
  if (have - kHeaderBytes < size) return std::optional<Frame>();
  Frame frame{.version = static_cast<std::uint8_t>(header[4]),
              .type = static_cast<std::uint8_t>(header[5]),
              .payload = std::string(header + kHeaderBytes, size)};
  taken_ += kHeaderBytes + size;
  return std::optional<Frame>(std::move(frame));
}

/// Reads what is there. False if nothing was.
Result<bool> FrameChannel::read_more() {
  received_.erase(0, taken_);
  taken_ = 0;
  if (received_.empty() && received_.capacity() > kKeptBufferBytes) std::string().swap(received_);
  const bool inside_frame = !received_.empty();
  char bytes[kReadBytes];
  const ssize_t got = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
  const int problem = errno;
  if (got > 0) received_.append(bytes, static_cast<std::size_t>(got));
  if (got > 0) return true;
  if (got < 0 && problem == EINTR) return true;
  if (got < 0 && (problem == EAGAIN || problem == EWOULDBLOCK)) return false;
  if (closed_ || !inside_frame) return closed_error();
  return Error{Code::Corrupt, "the other process closed its end inside a frame"};
}

Result<void> FrameChannel::wait_until_ready(const Call& call, short events) const {
  const StopSignal stop(call.stop);
  if (stop.broken()) return system_error("cannot create an event descriptor");
  while (true) {
    if (call.stop.stop_requested())
      return Error{Code::Cancelled, "stopped while waiting for the other process"};
    const auto now = Clock::now();
    if (now >= call.deadline)
      return Error{Code::Timeout, "the other process was not ready in time"};
    const timespec left = time_left(call.deadline, now);
    pollfd waiting[2] = {{fd_, events, 0}, {stop.fd(), POLLIN, 0}};  // poll skips a negative fd
    const int ready = ::ppoll(waiting, 2, &left, nullptr);
    if (ready < 0 && errno != EINTR) return system_error("cannot wait for the other process");
    if (ready > 0 && waiting[0].revents != 0) return ok();
  }
}

void FrameChannel::shut_down() {
  closed_ = true;
  ::shutdown(fd_, SHUT_RDWR);
}

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return system_error("cannot create a socket pair");
  return SocketPair{.ours = ends[0], .theirs = ends[1]};
}

}  // namespace hearth::process
