#pragma once
#include <memory>
#include <string>

#include "base/mutex.h"
#include "model/delivery/delivery.h"
#include "model/router/desk.h"

namespace hearth::model::router {

/// One routed generation: asks the first model of its plan, and the next where one fails before it
/// has said anything. Any thread.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(std::shared_ptr<Desk> desk, Desk::Plan plan, chat::Request request,
          std::shared_ptr<EventSink> sink);

  /// Asks the first that takes it. Errors: those of the last that was asked; Unavailable (there is
  /// none).
  Result<void> begin();
  /// As Generation::cancel() and its destructor promise.
  void give_up(std::optional<chat::Event> last) EXCLUDES(mutex_);

 private:
  class Leg;
  Result<void> ask_next() EXCLUDES(mutex_);
  chat::Request request_for(std::size_t leg);
  chat::Route route_to(std::size_t model) EXCLUDES(mutex_);
  void pass_over(std::size_t model, const Error& error) EXCLUDES(mutex_);
  void on_event(std::size_t leg, const chat::Event& event) EXCLUDES(mutex_);
  bool is_current(std::size_t leg) EXCLUDES(mutex_);
  bool goes_on_after(const Error& error) EXCLUDES(mutex_);
  bool has_spoken() EXCLUDES(mutex_);
  void end_without(const Error& error);
  void say_help();
  void reply_safely();

  const std::shared_ptr<Desk> desk_;
  const Desk::Plan plan_;
  const chat::Request request_;
  Delivery delivery_;
  Mutex mutex_{};                            // never held while a model is asked, or in a sink
  std::size_t legs_ GUARDED_BY(mutex_) = 0;  // that were begun; the last counts
  bool speaks_ GUARDED_BY(mutex_) = false;   // the last has said something
  std::vector<std::string> passed_over_ GUARDED_BY(mutex_){};
  std::unique_ptr<Generation> generation_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model::router
