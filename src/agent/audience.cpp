#include "agent/audience.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace hearth::agent {

/// One who listens. Its lock is held while its sink is called, so that leaving waits for a call
/// that runs; it may be taken again by that very call, which may want to leave.
class Audience::Listener {
 public:
  explicit Listener(std::shared_ptr<model::EventSink> sink) : sink_(std::move(sink)) {}

  /// While it lives, others who want to tell something wait.
  std::unique_lock<std::recursive_mutex> hold() { return std::unique_lock(mutex_); }

  void hear(const chat::Event& event) {
    const std::lock_guard lock(mutex_);
    if (!sink_) return;
    const auto sink = sink_;  // the call may let go of the other
    sink->on_event(event);
    if (chat::is_last(event)) sink_.reset();
  }

  /// False if it had heard its last event before.
  bool leave() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sink_, nullptr) != nullptr;
  }

 private:
  std::recursive_mutex mutex_;
  std::shared_ptr<model::EventSink> sink_;  // null: hears nothing any more
};

namespace {

/// Puts what a delta brings behind what was said. Pieces of tool calls stay pieces: in order they
/// mean the same.
void append(chat::Delta& so_far, const chat::Delta& delta) {
  so_far.content += delta.content;
  so_far.reasoning += delta.reasoning;
  so_far.tool_calls.insert(so_far.tool_calls.end(), delta.tool_calls.begin(),
                           delta.tool_calls.end());
  so_far.logprobs.insert(so_far.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
}

/// What a listener holds.
class Seat final : public model::Generation {
 public:
  Seat(std::function<bool()> leave, std::shared_ptr<model::EventSink> sink)
      : leave_(std::move(leave)), sink_(std::move(sink)) {}
  ~Seat() override { leave_(); }
  void cancel() override {
    if (leave_()) sink_->on_event(chat::Failed{{Code::Cancelled, "the answer was cancelled", {}}});
  }

 private:
  const std::function<bool()> leave_;  // false: it had heard its last event before
  const std::shared_ptr<model::EventSink> sink_;
};

}  // namespace

std::unique_ptr<model::Generation> Audience::join(std::shared_ptr<model::EventSink> sink) {
  const auto listener = std::make_shared<Listener>(sink);
  std::vector<chat::Event> past;
  std::unique_lock<std::recursive_mutex> first;
  {
    MutexLock lock(mutex_);
    if (started_) past.emplace_back(*started_);
    if (!chat::is_empty(so_far_)) past.emplace_back(so_far_);
    if (ending_) past.push_back(*ending_);
    if (!ending_) listeners_.push_back(listener);
    first = listener->hold();  // what is told from now on comes behind the past
  }
  for (const chat::Event& event : past) listener->hear(event);
  first.unlock();
  const auto leave = [listener, weak = weak_from_this()] {
    const bool was_listening = listener->leave();
    if (const auto audience = weak.lock(); audience && was_listening) audience->leave(listener);
    return was_listening;
  };
  return std::make_unique<Seat>(leave, std::move(sink));
}

void Audience::tell(const chat::Event& event) {
  std::vector<std::shared_ptr<Listener>> listeners;
  {
    MutexLock lock(mutex_);
    if (ending_) return;
    if (const auto* started = std::get_if<chat::Started>(&event)) {
      if (started_) return;
      started_ = *started;
    }
    if (const auto* delta = std::get_if<chat::Delta>(&event)) append(so_far_, *delta);
    const bool ends = chat::is_last(event);
    if (ends) ending_ = event;
    listeners = listeners_;
    if (ends) listeners_.clear();
  }
  for (const auto& listener : listeners) listener->hear(event);
}

bool Audience::has_ended() const {
  MutexLock lock(mutex_);
  return ending_.has_value();
}

void Audience::leave(const std::shared_ptr<Listener>& listener) {
  bool empty = false;
  {
    MutexLock lock(mutex_);
    std::erase(listeners_, listener);
    empty = listeners_.empty() && !ending_;
  }
  if (empty && on_empty_) on_empty_();
}

}  // namespace hearth::agent
