#include "engine/runtime/jobs.h"

#include <iterator>

#include "base/fields.h"

namespace hearth::engine {

Result<void> Jobs::add(Job job) {
  const std::uint64_t id = std::visit([](const auto& work) { return work->id; }, job);
  const MutexLock lock(mutex_);
  if (open_.contains(id)) return field_error("id", "this id is in use");
  if (open_.size() == kOpenMax)
    return Error{Code::Busy, "the engine has " + std::to_string(kOpenMax) + " requests already"};
  open_.emplace(id, job);
  arrivals_.push_back(std::move(job));
  arrived_.notify_one();
  return ok();
}

void Jobs::give_back(Job job) {
  const MutexLock lock(mutex_);
  arrivals_.push_back(std::move(job));
  arrived_.notify_one();
}

void Jobs::cancel(std::uint64_t id) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  std::visit([](const auto& work) { work->cancelled = true; }, found->second);
}

void Jobs::forget(std::uint64_t id) {
  const MutexLock lock(mutex_);
  open_.erase(id);
}

std::vector<Job> Jobs::take(bool wait) {
  const MutexLock lock(mutex_);
  while (wait && arrivals_.empty() && !shut_down_) arrived_.wait(mutex_);
  std::vector<Job> taken(std::make_move_iterator(arrivals_.begin()),
                         std::make_move_iterator(arrivals_.end()));
  arrivals_.clear();
  return taken;
}

void Jobs::shut_down() {
  const MutexLock lock(mutex_);
  shut_down_ = true;
  arrived_.notify_all();
}

}  // namespace hearth::engine
