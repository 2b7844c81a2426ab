#pragma once
#include <memory>
#include <optional>

#include "api/grpc/outlet.h"
#include "api/run/runs.h"
#include "base/time_source.h"
#include "model/model.h"

namespace hearth::api {

/// One answer while a model makes it, on its way to an outlet. Runs holds it until its generation
/// has ended; it lets go of generation and outlet when Runs retires it, so no cycle outlives the
/// work. Any thread; nothing blocks but cancel() and release(), which are for Runs.
class Answering final : public Ongoing,
                        public model::EventSink,
                        public std::enable_shared_from_this<Answering> {
 public:
  /// `began`: when the call arrived. `time` and `runs` outlive it.
  Answering(std::shared_ptr<Outlet> outlet, Clock::time_point began, const TimeSource& time,
            Runs& runs)
      : began_(began), time_(time), runs_(runs), outlet_(std::move(outlet)) {}

  /// Begins, and returns. Failure is told to the outlet. Call once.
  void start(model::Model& model, chat::Request request);
  /// Nobody wants the rest.
  void give_up();

  void on_event(const chat::Event& event) override;
  void cancel(const Error& why) override;
  void release() override;

 private:
  void tell(Outlet& outlet, const chat::Event& event);
  void take_note(const chat::Event& event) REQUIRES(mutex_);
  Outcome outcome_of(const chat::Finished& finished) EXCLUDES(mutex_);
  void retire_if_settled() REQUIRES(mutex_);

  const Clock::time_point began_;
  const TimeSource& time_;
  Runs& runs_;

  Mutex mutex_;  // never held while the model or the outlet is called
  std::shared_ptr<Outlet> outlet_ GUARDED_BY(mutex_);  // null once released
  std::unique_ptr<model::Generation> generation_ GUARDED_BY(mutex_);
  Outcome known_ GUARDED_BY(mutex_){};        // so far
  bool launching_ GUARDED_BY(mutex_) = true;  // start() has not returned yet
  bool over_ GUARDED_BY(mutex_) = false;      // answered or given up
  bool ended_ GUARDED_BY(mutex_) = false;     // no event will come any more
  bool retired_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api
