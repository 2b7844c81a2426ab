#pragma once
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"

namespace hearth::api {

/// A few threads for calls that block on a model (embeddings, tokenizing), so that they never hold
/// the server's workers, on which /health must be answered. Any thread.
class Desk {
 public:
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kWaitingMax = 32;

  Desk();
  ~Desk();  // jobs that wait are dropped, running ones waited for

  /// False when kWaitingMax jobs wait already.
  [[nodiscard]] bool try_submit(std::function<void()> job);
  /// Jobs that wait or run.
  std::size_t size() const { return size_; }

 private:
  void work(const std::stop_token& stop);

  std::atomic<std::size_t> size_ = 0;
  BoundedQueue<std::function<void()>> jobs_{kWaitingMax};
  std::vector<std::jthread> threads_;  // last: they use the queue
};

}  // namespace hearth::api
