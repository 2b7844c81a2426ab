#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "base/time_source.h"
#include "model/model.h"

/// For tests of models: a sink that remembers, a clock, and patience.
namespace hearth::model {

inline Call soon() { return Call::within(Millis(60'000)); }

/// Looks until `condition` holds, again and again, for what nothing tells of. False: it never did.
inline bool eventually(const std::function<bool()>& condition) {
  std::promise<void> never;
  const auto pause = never.get_future();
  for (const auto call = soon(); Clock::now() < call.deadline;) {
    if (condition()) return true;
    pause.wait_for(Millis(1));
  }
  return false;
}

/// A clock that stands until it is moved. Any thread.
class SetTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::time_point(Millis(now_ms_.load())); }
  std::chrono::system_clock::time_point wall() const override { return {}; }
  void pass(Millis time) { now_ms_ += time.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{3'600'000};
};

/// Keeps what came, and lets a test wait for it.
class Notes final : public EventSink {
 public:
  void on_event(const chat::Event& event) override {
    if (on_each) on_each(event);
    MutexLock lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  /// The events once there are `count`; fewer when that takes too long.
  std::vector<chat::Event> wait_for(std::size_t count) {
    MutexLock lock(mutex_);
    changed_.wait_until(mutex_, std::stop_token(), soon().deadline,
                        [&]() REQUIRES(mutex_) { return events_.size() >= count; });
    return events_;
  }
  /// The error that ended it.
  Error wait_for_failure() {
    MutexLock lock(mutex_);
    changed_.wait_until(mutex_, std::stop_token(), soon().deadline, [&]() REQUIRES(mutex_) {
      return !events_.empty() && std::holds_alternative<chat::Failed>(events_.back());
    });
    const auto* failed = events_.empty() ? nullptr : std::get_if<chat::Failed>(&events_.back());
    return failed ? failed->error : Error{Code::Internal, "did not fail"};
  }
  std::function<void(const chat::Event&)> on_each;  // set before the generation starts

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<chat::Event> events_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model
