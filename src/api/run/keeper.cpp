#include "api/run/keeper.h"

#include <utility>

namespace hearth::api {

Keeper::Keeper() : thread_([this] { work(); }) {}

Keeper::~Keeper() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Keeper::submit(std::function<void()> job) {
  MutexLock lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

std::size_t Keeper::size() const {
  MutexLock lock(mutex_);
  return jobs_.size() + running_;
}

void Keeper::work() {
  for (;;) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      running_ = 0;
      while (jobs_.empty() && !stopping_) changed_.wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = 1;
    }
    job();
  }
}

}  // namespace hearth::api
