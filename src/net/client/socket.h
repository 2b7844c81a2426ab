#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/call.h"
#include "base/result.h"

namespace hearth::net {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int release();
  int fd_;
};

/// A TCP connection whose waits end at a call's deadline or stop. Used by one thread.
class ClientSocket {
 public:
  /// Connects to an IPv4 or IPv6 literal (brackets allowed) or "localhost" (127.0.0.1, then ::1).
  /// Errors: InvalidInput (host is none of these), Unavailable (names host and port), Timeout,
  /// Cancelled.
  static Result<ClientSocket> connect(const Call& call, const std::string& host,
                                      std::uint16_t port);

  struct Ready {
    bool readable = false;
    bool writable = false;
  };
  /// Waits until it can be read, or, if `for_writing`, written. Errors: Timeout, Cancelled.
  Result<Ready> wait(const Call& call, bool for_writing) const;

  /// Reads what is there. 0: the other side is done. nullopt: nothing yet. Errors: Unavailable.
  Result<std::optional<std::size_t>> read_some(std::span<char> into) const;

  /// Writes what fits and says how much; nullopt: the other side takes no more.
  std::optional<std::size_t> write_some(std::string_view bytes) const;

 private:
  /// Makes a stop token wake poll().
  class Waker {
   public:
    static Result<Waker> open();
    int fd() const { return event_.fd(); }
    std::function<void()> ring() const;

   private:
    Descriptor event_;
  };

  ClientSocket(Descriptor socket, Waker waker)
      : socket_(std::move(socket)), waker_(std::move(waker)) {}

  Descriptor socket_;
  Waker waker_;
};

}  // namespace hearth::net
