#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <optional>
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
  /// Takes over `fd`, a connected stream socket (blocking or not).
  explicit FrameChannel(int fd);
  /// Nobody may be inside send() or receive().
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  /// Writes one whole frame; frames of several senders never mix. Errors: TooLarge (payload above
  /// kFrameBytesMax), Unavailable (the other end is closed), Timeout, Cancelled. After Timeout and
  /// Cancelled the channel still works if nothing of the frame was written; else it is shut down,
  /// because its reader could not find the next frame.
  Result<void> send(const Call& call, const Frame& frame);

  /// Reads one whole frame. Errors: Unavailable (closed), Corrupt (a length above the limit, or
  /// closed inside a frame), Timeout and Cancelled (nothing is lost: the next call goes on).
  Result<Frame> receive(const Call& call);

  /// Wakes a blocked receive or send with Unavailable, now and ever after, from any thread.
  void shut_down();

 private:
  Result<void> wait_for_turn(const Call& call) EXCLUDES(mutex_);
  void end_turn() EXCLUDES(mutex_);
  Result<void> write_all(const Call& call, const Frame& frame);
  Result<std::optional<Frame>> take_frame();
  Result<bool> read_more();
  Result<void> wait_until_ready(const Call& call, short events) const;

  const int fd_;
  std::atomic<bool> closed_{false};
  Mutex mutex_;  // never held while waiting for the socket
  std::condition_variable_any turn_ended_;
  bool sending_ GUARDED_BY(mutex_) = false;

  // Bytes that arrived and are not handed out yet; receiving thread only.
  std::string received_;
  std::size_t taken_ = 0;  // leading bytes of received_ that were handed out
};

/// A connected pair of descriptors, close-on-exec. Errors: Unavailable.
struct SocketPair {
  int ours = -1, theirs = -1;
};
Result<SocketPair> make_socket_pair();

}  // namespace hearth::process
