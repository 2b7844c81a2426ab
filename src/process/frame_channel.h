#pragma once
#include <cstdint>
#include <string>

#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"

namespace hearth::process {

inline constexpr std::size_t kFrameBytesMax = 32 * 1024 * 1024;  // payload

/// One message between two of our processes. On the wire: payload length (u32, little endian),
/// version (u8), type (u8), payload.
struct Frame {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::string payload;
};

/// One end of a socketpair. One thread may receive while others send. Owns the descriptor.
class FrameChannel {
 public:
  explicit FrameChannel(int fd);
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  /// Writes one whole frame. Errors: TooLarge (payload above kFrameBytesMax), Unavailable (the other
  /// end is closed), Timeout, Cancelled. After any error but TooLarge the channel is unusable.
  Result<void> send(const Call& call, const Frame& frame);

  /// Reads one whole frame. Errors: Unavailable (closed), Corrupt (a length above the limit, or closed
  /// inside a frame), Timeout and Cancelled (only between frames; nothing is lost then).
  Result<Frame> receive(const Call& call);

  /// Wakes a blocked receive or send with Unavailable, from any thread.
  void shut_down();

 private:
  int fd_;
  Mutex send_mutex_;
  std::string received_;  // bytes of a frame that has not arrived whole yet; receiving thread only
};

/// A connected pair of descriptors, close-on-exec. Errors: Unavailable.
struct SocketPair {
  int ours = -1, theirs = -1;
};
Result<SocketPair> make_socket_pair();

}  // namespace hearth::process
