#include "api/openai/runs.h"

#include <vector>

#include "api/openai/run.h"

namespace hearth::api {

Runs::Runs() : thread_([this] { work(); }) {}

Runs::~Runs() {
  std::vector<std::shared_ptr<Run>> left;
  {
    MutexLock lock(mutex_);
    left.assign(active_.begin(), active_.end());
  }
  for (auto& run : left) cancel(std::move(run));  // each is retired in turn
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Runs::add(std::shared_ptr<Run> run) {
  MutexLock lock(mutex_);
  active_.insert(std::move(run));
}

void Runs::cancel(std::shared_ptr<Run> run) { push(Task::Cancel, std::move(run)); }
void Runs::retire(std::shared_ptr<Run> run) { push(Task::Retire, std::move(run)); }

std::size_t Runs::size() const {
  MutexLock lock(mutex_);
  return active_.size();
}

void Runs::push(Task task, std::shared_ptr<Run> run) {
  MutexLock lock(mutex_);
  orders_.emplace_back(task, std::move(run));
  changed_.notify_one();
}

void Runs::carry_out(const Order& order) {
  if (order.first == Task::Cancel) return order.second->cancel();
  order.second->release();
  MutexLock lock(mutex_);
  active_.erase(order.second);
}

void Runs::work() {
  for (;;) {
    Order order;
    {
      MutexLock lock(mutex_);
      while (orders_.empty() && !(stopping_ && active_.empty())) changed_.wait(mutex_);
      if (orders_.empty()) return;
      order = std::move(orders_.front());
      orders_.pop_front();
    }
    carry_out(order);
  }
}

}  // namespace hearth::api
