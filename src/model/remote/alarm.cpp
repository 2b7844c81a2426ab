#include "model/remote/alarm.h"

#include <utility>

namespace hearth::model::remote {

Alarm::Alarm() {
  MutexLock lock(bell_->mutex_);
  bell_->owner_ = this;
}

Alarm::~Alarm() {
  std::jthread thread;
  {
    MutexLock lock(bell_->mutex_);
    bell_->is_open_ = false;
    bell_->owner_ = nullptr;
    bell_->set_.clear();
    thread = std::move(thread_);
  }
  thread.request_stop();
  bell_->changed_.notify_all();
}

bool Alarm::Bell::at(Clock::time_point when, std::function<void()> ring) {
  MutexLock lock(mutex_);
  if (!is_open_) return false;
  if (Alarm* const owner = std::exchange(owner_, nullptr))
    owner->thread_ =
        std::jthread([bell = owner->bell_](const std::stop_token& stop) { bell->run(stop); });
  set_.emplace(when, std::move(ring));
  changed_.notify_all();
  return true;
}

void Alarm::Bell::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::function<void()> ring;
    {
      MutexLock lock(mutex_);
      if (!is_open_) return;
      if (set_.empty()) {
        changed_.wait(mutex_);
        continue;
      }
      const auto first = set_.begin();
      if (Clock::now() < first->first) {
        changed_.wait_until(mutex_, first->first);
        continue;
      }
      ring = std::move(first->second);
      set_.erase(first);
    }
    ring();
  }
}

}  // namespace hearth::model::remote
