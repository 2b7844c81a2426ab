#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "model/local/backoff.h"
#include "model/local/instruments.h"
#include "model/local/local_model.h"
#include "model/local/work_list.h"

namespace hearth::model::local {

/// The daemon's side of one model's engine processes, one after the other: what was asked of the
/// present one, what it has answered, and its life. run() is the engine client thread; everything
/// else may be called from any thread.
class Client {
 public:
  Client(LocalOptions options, const TimeSource& time, metrics::Registry& metrics);

  /// Starts engines and serves until stopped. What still runs then has failed when this returns.
  void run(const std::stop_token& stop);

  /// Errors: as Model::start.
  Result<WorkPointer> start(chat::Request request, std::shared_ptr<EventSink> sink);
  /// Ends one generation, with `last` as its sink's last event if there is one.
  void end(const WorkPointer& work, std::optional<chat::Event> last);
  /// Sends `request` (with `id` from next_id()) and waits for its reply.
  /// Errors: as Model::embed, and what the engine answered.
  Result<engine::Reply> ask(const Call& call, std::uint64_t id, const engine::Request& request);
  std::uint64_t next_id() { return ++last_id_; }

  const LocalOptions& options() const { return options_; }
  State state() const EXCLUDES(mutex_);
  std::string state_text() const EXCLUDES(mutex_);
  engine::ModelFacts facts() const EXCLUDES(mutex_);
  std::string numerics() const EXCLUDES(mutex_);
  std::uint32_t context_tokens() const EXCLUDES(mutex_);
  void set_fingerprint(std::string fingerprint) EXCLUDES(mutex_);

 private:
  using Engine = std::shared_ptr<process::Child>;
  /// How one engine's time came to its end.
  struct Ending {
    std::string reason{};            // "killed by signal 9 (Killed)", "broke the protocol: …"
    std::optional<Error> refused{};  // the model cannot be loaded; no restart will help
    Millis healthy{0};               // how long it was ready
  };
  /// A Generate on its way.
  struct Parcel {
    Engine engine;
    std::uint64_t id;
    process::Frame frame;
  };
  /// A request other than Generate whose reply somebody waits for.
  struct Question {
    std::optional<Result<engine::Reply>> reply;
  };

  // The life of engines; the engine client thread only.
  Ending serve_one_engine(const std::stop_token& stop);
  Ending serve(const Engine& engine);
  Ending finish(const Engine& engine, Ending ending) EXCLUDES(mutex_);
  Call until_next_deadline() EXCLUDES(mutex_);
  std::optional<Ending> end_overdue(const Engine& engine) EXCLUDES(mutex_);
  void expect_word(Clock::time_point until) REQUIRES(mutex_);
  void leave_ready(State state, std::string trouble, Millis wait) EXCLUDES(mutex_);
  void fail_works(const Error& error) EXCLUDES(mutex_);
  void send_what_waited() EXCLUDES(mutex_);
  bool is_open(std::uint64_t id) const EXCLUDES(mutex_);
  std::optional<Parcel> next_parcel() EXCLUDES(mutex_);
  void pause(const std::stop_token& stop, Millis wait) EXCLUDES(mutex_);

  // What the engine says; non-const, so that none of these falls to the template of the rest.
  std::optional<Ending> dispatch(const Engine& engine, const process::Frame& frame);
  std::optional<Ending> on(const Engine& engine, engine::LoadProgress& progress);
  std::optional<Ending> on(const Engine& engine, engine::Loaded& loaded);
  std::optional<Ending> on(const Engine& engine, engine::LoadFailed& failed);
  std::optional<Ending> on(const Engine& engine, engine::GenerateEvent& event);
  std::optional<Ending> on(const Engine& engine, engine::RequestFailed& failed);
  std::optional<Ending> on(const Engine& engine, engine::SnapshotStats& stats);
  template <class Reply>
  std::optional<Ending> on(const Engine& engine, Reply& reply);
  void answer(std::uint64_t id, Result<engine::Reply> reply) EXCLUDES(mutex_);
  WorkPointer note_event(const engine::GenerateEvent& event) EXCLUDES(mutex_);
  void measure(Work& work, const chat::Event& event, Clock::time_point now) REQUIRES(mutex_);

  // What is asked of the engine.
  Result<process::Frame> make_frame(const engine::Request& request) const;
  void send(const Engine& engine, const process::Frame& frame, Millis limit) const;
  void send_cancel(const Engine& engine, std::uint64_t id) const;
  void send_identity(const Engine& engine, const std::string& fingerprint) const;
  Result<std::optional<Parcel>> admit(const WorkPointer& work, process::Frame frame)
      EXCLUDES(mutex_);
  Result<void> check_room(const Work& work) REQUIRES(mutex_);
  Result<Engine> admit_question(const Call& call, std::uint64_t id) EXCLUDES(mutex_);
  Result<void> await_engine(const Call& call) REQUIRES(mutex_);
  std::optional<Result<engine::Reply>> await_reply(const Call& call, std::uint64_t id, bool cancels)
      EXCLUDES(mutex_);

  void note_load() REQUIRES(mutex_);
  std::string describe_state() const REQUIRES(mutex_);
  Error unavailable() const REQUIRES(mutex_);
  std::string engine_words() const { return "the engine process of model '" + options_.name + "'"; }

  const LocalOptions options_;
  const TimeSource& time_;
  Instruments instruments_;
  std::atomic<std::uint64_t> last_id_{
      0};  // numbers are never used again, in no later engine either

  mutable Mutex mutex_;  // never held while sending, waiting for the engine, or in a sink
  std::condition_variable_any answered_;  // a question was, or what it waits for has changed
  std::condition_variable_any paused_;
  State state_ GUARDED_BY(mutex_) = State::Loading;
  // An engine is about to be ready: requests wait for it instead of being refused.
  bool may_wait_ GUARDED_BY(mutex_) = true;
  float progress_ GUARDED_BY(mutex_) = 0;
  std::string trouble_ GUARDED_BY(mutex_);  // Restarting and Failed: why
  Clock::time_point restart_at_ GUARDED_BY(mutex_);
  std::optional<engine::Loaded> loaded_ GUARDED_BY(mutex_);  // by this engine or one before
  Clock::time_point ready_since_ GUARDED_BY(mutex_);
  Clock::time_point load_deadline_ GUARDED_BY(mutex_) = Clock::time_point::max();
  Clock::time_point ping_due_ GUARDED_BY(mutex_) = Clock::time_point::max();  // or its answer is
  bool pinged_ GUARDED_BY(mutex_) = false;
  std::string fingerprint_ GUARDED_BY(mutex_);
  Engine engine_ GUARDED_BY(mutex_);  // once it has loaded
  WorkList works_ GUARDED_BY(mutex_);
  std::map<std::uint64_t, Question> questions_ GUARDED_BY(mutex_);
  std::size_t questions_waiting_ GUARDED_BY(mutex_) = 0;  // for an engine
  std::stop_source nudge_ GUARDED_BY(mutex_);  // wakes run() to look at its deadlines again
};

}  // namespace hearth::model::local
