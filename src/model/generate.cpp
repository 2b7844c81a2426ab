#include <condition_variable>

#include "base/mutex.h"
#include "model/model.h"

namespace hearth::model {
namespace {

/// Puts the pieces of an answer together and wakes the thread that waits for it.
class Collector final : public EventSink {
 public:
  explicit Collector(std::function<void(const chat::Event&)> on_event)
      : on_event_(std::move(on_event)) {}

  void on_event(const chat::Event& event) override {
    if (on_event_ && !chat::is_last(event)) on_event_(event);
    if (const auto* delta = std::get_if<chat::Delta>(&event)) {
      if (!chat::absorb(message_, *delta)) end(Error{Code::Internal, "a tool call was skipped"});
    } else if (const auto* finished = std::get_if<chat::Finished>(&event)) {
      end(*finished);
    } else if (const auto* failed = std::get_if<chat::Failed>(&event)) {
      end(failed->error);
    } else if (const auto* started = std::get_if<chat::Started>(&event)) {
      started_ = *started;
    }
  }

  Result<Answer> wait(const Call& call) {
    MutexLock lock(mutex_);
    ended_.wait_until(mutex_, call.stop, call.deadline,
                      [this]() REQUIRES(mutex_) { return end_.has_value(); });
    if (end_ && !end_->ok()) return end_->error();
    if (end_) return Answer{std::move(message_), end_->value(), started_};
    if (call.stop.stop_requested()) return Error{Code::Cancelled, "the request was cancelled"};
    return Error{Code::Timeout, "the answer was not complete in time"};
  }

 private:
  void end(Result<chat::Finished> how) {
    MutexLock lock(mutex_);
    if (!end_) end_ = std::move(how);
    ended_.notify_all();
  }

  const std::function<void(const chat::Event&)> on_event_;
  chat::Message message_{.role = chat::Role::Assistant, .content = {}};  // read once end_ is set
  chat::Started started_{};                                              // also
  Mutex mutex_;
  std::condition_variable_any ended_;
  std::optional<Result<chat::Finished>> end_ GUARDED_BY(mutex_);
};

}  // namespace

Result<Answer> generate(const Call& call, Model& model, chat::Request request,
                        std::function<void(const chat::Event&)> on_event) {
  const auto collector = std::make_shared<Collector>(std::move(on_event));
  TRY(const auto generation, model.start(std::move(request), collector));
  return collector->wait(call);
}  // destroying the generation cancels what still runs, and silences on_event

}  // namespace hearth::model
