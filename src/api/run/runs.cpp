#include "api/run/runs.h"

namespace hearth::api {

Runs::Runs() : thread_([this] { work(); }) {}

Runs::~Runs() {
  end_all({Code::Unavailable, "the daemon has stopped", {}});  // each is retired in turn
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Runs::add(std::shared_ptr<Ongoing> run) {
  MutexLock lock(mutex_);
  active_.insert(std::move(run));
}

void Runs::cancel(std::shared_ptr<Ongoing> run) {
  push({std::move(run), Error{Code::Cancelled, "the answer was cancelled", {}}});
}

void Runs::end_all(const Error& why) {
  MutexLock lock(mutex_);
  for (const auto& run : active_) orders_.push_back({run, why});
  changed_.notify_one();
}

void Runs::retire(std::shared_ptr<Ongoing> run) { push({std::move(run), std::nullopt}); }

std::size_t Runs::size() const {
  MutexLock lock(mutex_);
  return active_.size();
}

void Runs::push(Order order) {
  MutexLock lock(mutex_);
  orders_.push_back(std::move(order));
  changed_.notify_one();
}

void Runs::carry_out(const Order& order) {
  if (order.why) return order.run->cancel(*order.why);
  order.run->release();
  MutexLock lock(mutex_);
  active_.erase(order.run);
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
