#include "model/delivery/delivery.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace hearth::model {

bool Delivery::deliver(const chat::Event& event) {
  {
    MutexLock lock(mutex_);
    while (running_) idle_.wait(mutex_);
    if (closed_) return false;
    closed_ = is_last(event);
    running_ = true;
    runner_ = std::this_thread::get_id();
  }
  run(event);
  return !closed();
}

bool Delivery::close(std::optional<chat::Event> last) {
  {
    MutexLock lock(mutex_);
    const bool inside = running_ && runner_ == std::this_thread::get_id();
    if (inside) {
      if (closed_) return false;
      closed_ = true;
      follows_ = std::move(last);
      return true;
    }
    while (running_) idle_.wait(mutex_);
    if (closed_) return false;
    closed_ = true;
    running_ = true;
    runner_ = std::this_thread::get_id();
  }
  if (last) {
    run(*last);
  } else {
    MutexLock lock(mutex_);
    running_ = false;
    idle_.notify_all();
  }
  return true;
}

bool Delivery::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

/// Calls the sink, then with what on_event itself ordered by close(), or with the end of a sink
/// that threw (whoever waits behind it must learn of it). This thread has set running_.
void Delivery::run(const chat::Event& event) {
  std::optional<chat::Event> next(event);
  std::shared_ptr<EventSink> done_with;  // destroyed last: it may own the Generation, and so end us
  while (next) {
    const bool good = call_sink(*next);
    const bool was_last = is_last(*next);
    MutexLock lock(mutex_);
    next = std::exchange(follows_, std::nullopt);
    if (!good) {
      closed_ = true;
      next.reset();
      if (!was_last) next = chat::Failed{{Code::Internal, "the answer's receiver failed"}};
    }
    if (next) continue;
    running_ = false;
    if (closed_) done_with = std::move(sink_);
    idle_.notify_all();
  }
}

bool Delivery::call_sink(const chat::Event& event) const {
  try {
    sink_->on_event(event);
    return true;
  } catch (const std::exception& error) {
    log::error("a generation's receiver threw: {}", error.what());
  } catch (...) {
    log::error("a generation's receiver threw something that is no std::exception");
  }
  return false;
}

}  // namespace hearth::model
