#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "chat/generation.h"
#include "model/model.h"

namespace hearth::agent {

/// Those who listen to one turn: whoever sent its message and, after that, whoever sent it again
/// with the same Idempotency-Key or decided what it waited for. Who comes late is told in one piece
/// what was said so far. Any thread. A sink is never called twice at a time.
class Audience : public std::enable_shared_from_this<Audience> {
 public:
  /// `on_empty` is called when the last listener went before the end, outside of any lock.
  explicit Audience(std::function<void()> on_empty = {}) : on_empty_(std::move(on_empty)) {}

  /// The sink gets what was said so far and then what comes, until an ending or until the
  /// Generation is cancelled or destroyed. It may outlive this.
  std::unique_ptr<model::Generation> join(std::shared_ptr<model::EventSink> sink);

  /// Tells everybody. Started is told once, of the first call of the model; nothing is told behind
  /// Finished or Failed.
  void tell(const chat::Event& event);
  bool has_ended() const;

 private:
  class Listener;
  void leave(const std::shared_ptr<Listener>& listener);

  const std::function<void()> on_empty_;
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_ GUARDED_BY(mutex_);
  std::optional<chat::Started> started_ GUARDED_BY(mutex_);
  chat::Delta so_far_ GUARDED_BY(mutex_);
  std::optional<chat::Event> ending_ GUARDED_BY(mutex_);
};

}  // namespace hearth::agent
