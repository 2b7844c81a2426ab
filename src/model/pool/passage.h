#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "chat/generation.h"
#include "model/delivery/delivery.h"
#include "model/model.h"

namespace hearth::model::pool {

/// One generation between whoever asked for it and a model that may have to be loaded first. It
/// stands in the queue with its request, then passes on what the model says. Any thread.
class Passage final : public EventSink, public std::enable_shared_from_this<Passage> {
 public:
  /// `over` is called once, when it is over after it was handed on: on the thread that ends it,
  /// never under a lock of this.
  Passage(chat::Request request, std::shared_ptr<EventSink> sink, Clock::time_point accepted,
          std::function<void()> over);

  /// Starts it, unless it was given up before. Errors: those of Model::start(); its sink is told of
  /// them too if somebody knows already that it was accepted.
  Result<void> hand_on(Model& model, bool was_accepted);
  /// Ends it with `last`, as Generation::cancel() and its destructor promise. True if that ended
  /// it.
  bool give_up(std::optional<chat::Event> last);

  void on_event(const chat::Event& event) override;

  const chat::Request& request() const { return request_; }  // until it is handed on
  Clock::time_point accepted() const { return accepted_; }

 private:
  void end();

  chat::Request request_;
  const Clock::time_point accepted_;
  const std::function<void()> over_;
  Delivery delivery_;
  Mutex mutex_{};
  bool handed_on_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Generation> generation_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model::pool
