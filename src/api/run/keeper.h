#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace hearth::api {

/// One thread for what is written to disk when an answer ends, before its client is told: the
/// model's thread, on which it ends, must not wait for a disk. Its line holds at most one job for
/// each answer, so it is as bounded as they are. Any thread.
class Keeper {
 public:
  Keeper();
  ~Keeper();  // does what is left first

  void submit(std::function<void()> job);
  /// Jobs that wait or run.
  std::size_t size() const;

 private:
  void work();

  mutable Mutex mutex_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hearth::api
