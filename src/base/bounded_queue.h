#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "base/call.h"
#include "base/result.h"

namespace hearth {

/// A FIFO of at most `capacity` items between threads. It never grows: when it is
/// full the producer waits or is refused. Every method may be called from any thread.
/// close() lets readers drain what is left, then end.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Adds without waiting. False when full or closed; the caller decides what to shed.
  [[nodiscard]] bool try_push(T item) {
    std::lock_guard lock(mutex_);
    if (closed_ || items_.size() == capacity_) return false;
    add(std::move(item));
    return true;
  }

  /// Waits for room. Errors: Timeout, Cancelled, Unavailable (closed).
  Result<void> push(const Call& call, T item) {
    std::unique_lock lock(mutex_);
    const bool ready = room_.wait_until(lock, call.stop, call.deadline,
                                        [&] { return closed_ || items_.size() < capacity_; });
    if (!ready) return gave_up(call);
    if (closed_) return Error{Code::Unavailable, "queue is closed"};
    add(std::move(item));
    return ok();
  }

  /// Waits for an item; nullopt once closed and empty. Errors: Timeout, Cancelled.
  Result<std::optional<T>> pop(const Call& call) {
    std::unique_lock lock(mutex_);
    const bool ready = filled_.wait_until(lock, call.stop, call.deadline,
                                          [&] { return closed_ || !items_.empty(); });
    if (!ready) return gave_up(call);
    return take_front();
  }

  /// Takes an item if one is there.
  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    return take_front();
  }

  /// True once closed and empty: nothing more will ever come.
  bool drained() const {
    std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
    if (ring_) ring_();
  }

  /// `ring` is called on the pushing thread after each later push and after close. It runs under
  /// the queue's lock: it must not block or touch the queue. on_ready(nullptr) silences it;
  /// once that returns, no ring is running and none will.
  void on_ready(std::function<void()> ring) {
    std::lock_guard lock(mutex_);
    ring_ = std::move(ring);
  }

 private:
  static Error gave_up(const Call& call) {
    if (call.stop.stop_requested()) return {Code::Cancelled, "stopped while waiting for the queue"};
    return {Code::Timeout, "queue was not ready in time"};
  }
  std::optional<T> take_front() {  // needs mutex_
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    room_.notify_one();
    return item;
  }
  void add(T item) {  // needs mutex_
    items_.push_back(std::move(item));
    filled_.notify_one();
    if (ring_) ring_();
  }

  const std::size_t capacity_;  // items
  mutable std::mutex mutex_;    // guards everything below
  std::deque<T> items_;
  bool closed_ = false;
  std::function<void()> ring_;
  std::condition_variable_any room_;
  std::condition_variable_any filled_;
};

}  // namespace hearth
