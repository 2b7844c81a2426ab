#pragma once
#include <condition_variable>
#include <memory>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "chat/generation.h"
#include "model/model.h"

namespace hearth::model {

/// Hands one generation's events to its sink, and is the one place where the promises of EventSink
/// and Generation are kept: one event at a time, none after the last, none after close() has
/// returned. A sink that throws is logged and gets nothing more. Any thread.
class Delivery {
 public:
  explicit Delivery(std::shared_ptr<EventSink> sink) : sink_(std::move(sink)) {}
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// Calls on_event on this thread, after one that runs on another has returned. False if nothing
  /// more may be delivered, before or after this event.
  bool deliver(const chat::Event& event) EXCLUDES(mutex_);

  /// Delivers `last`, if given and if no last event came before; then there is silence. Returns
  /// once no on_event runs. Called from inside on_event it returns at once, and `last` follows when
  /// that on_event has returned. True if this call ended the generation.
  bool close(std::optional<chat::Event> last) EXCLUDES(mutex_);

  bool closed() const EXCLUDES(mutex_);

 private:
  void run(const chat::Event& event) EXCLUDES(mutex_);
  bool call_sink(const chat::Event& event) const;

  mutable Mutex mutex_;  // never held during on_event
  std::condition_variable_any idle_;
  std::shared_ptr<EventSink> sink_;  // only touched by the thread that set running_, until the end
  bool closed_ GUARDED_BY(mutex_) = false;
  bool running_ GUARDED_BY(mutex_) = false;
  std::thread::id runner_ GUARDED_BY(mutex_);
  std::optional<chat::Event> follows_ GUARDED_BY(mutex_);  // to be delivered after the running one
};

}  // namespace hearth::model
