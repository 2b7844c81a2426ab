#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "base/call.h"
#include "base/mutex.h"

namespace hearth::model::remote {

/// Calls back when a time has come, on a thread of its own that begins with the first. Any thread.
class Alarm {
 public:
  /// What may outlive the alarm.
  class Bell {
   public:
    /// False if the alarm is gone: it will not be called. `ring` must not throw.
    bool at(Clock::time_point when, std::function<void()> ring) EXCLUDES(mutex_);

   private:
    friend class Alarm;
    void run(const std::stop_token& stop) EXCLUDES(mutex_);

    Mutex mutex_{};
    std::condition_variable_any changed_{};
    std::multimap<Clock::time_point, std::function<void()>> set_ GUARDED_BY(mutex_){};
    bool is_open_ GUARDED_BY(mutex_) = true;
    Alarm* owner_ GUARDED_BY(mutex_) = nullptr;  // until its thread runs
  };

  Alarm();
  /// Forgets what is set; returns once nothing rings.
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  std::shared_ptr<Bell> bell() const { return bell_; }

 private:
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::jthread thread_{};
};

}  // namespace hearth::model::remote
