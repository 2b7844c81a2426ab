#pragma once
#include <condition_variable>
#include <cstddef>

#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"

namespace hearth::net {

/// Counts the requests that are being answered, and lets others wait until there are none. Any
/// thread.
class InFlight {
 public:
  /// Counts one request while it lives.
  class Guard {
   public:
    explicit Guard(InFlight& counter) : counter_(counter) { counter_.add(1); }
    ~Guard() { counter_.add(-1); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    InFlight& counter_;
  };

  std::size_t count() const {
    MutexLock lock(mutex_);
    return count_;
  }

  /// Blocks until the count is zero. Errors: Timeout (says how many are left), Cancelled.
  Result<void> wait_for_none(const Call& call) {
    MutexLock lock(mutex_);
    const auto none = [this]() REQUIRES(mutex_) { return count_ == 0; };
    if (changed_.wait_until(mutex_, call.stop, call.deadline, none)) return ok();
    if (call.stop.stop_requested()) return Error{Code::Cancelled, "stopped while draining"};
    return Error{Code::Timeout, std::to_string(count_) + " requests were still being answered"};
  }

 private:
  void add(int change) {
    MutexLock lock(mutex_);
    count_ += static_cast<std::size_t>(change);
    changed_.notify_all();
  }

  mutable Mutex mutex_;
  std::size_t count_ GUARDED_BY(mutex_) = 0;
  std::condition_variable_any changed_;
};

}  // namespace hearth::net
