#pragma once
#include <thread>

#include "base/bounded_queue.h"
#include "engine/frames.h"
#include "process/frame_channel.h"

namespace hearth::engine {

/// Replies on their way to the daemon. Encoding and sending happen on a thread of its own, so the
/// scheduler does not wait for the socket. Any thread may post; replies of one thread stay in
/// order.
class Outbox {
 public:
  static constexpr std::size_t kRepliesMax = 8'192;
  static constexpr Millis kStalledMax{
      10'000};  // with the queue full; then the daemon counts as gone

  /// The channel must outlive it.
  explicit Outbox(process::FrameChannel& channel);
  /// Sends what is left, if the daemon still reads.
  ~Outbox();

  /// Waits only when the queue is full. When the daemon is gone the channel is shut down, which
  /// ends the reader, and with it the engine.
  void post(Reply reply);

 private:
  void run();
  process::FrameChannel& channel_;
  BoundedQueue<Reply> replies_{kRepliesMax};
  std::jthread writer_;
};

}  // namespace hearth::engine
