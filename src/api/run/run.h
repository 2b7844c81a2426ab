#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "api/http/errors.h"
#include "api/run/answer_check.h"
#include "api/run/runs.h"
#include "api/run/writer.h"
#include "base/mutex.h"
#include "model/model.h"
#include "net/http.h"

namespace hearth::api {

/// What one request asks of a model.
struct RunPlan {
  std::unique_ptr<Writer> writer;
  std::vector<chat::Request> requests;  // one per choice
  std::vector<Choice> choices;          // beside them: index, counts_prompt, echo
  bool stream = false;
  std::optional<AnswerCheck> check{};  // absent: nothing asks for a schema
};

/// The answer to one request while it is being made: one generation per choice, written to one
/// exchange. Events come on the model's threads and are only formatted and written there; what
/// could wait for such a thread (cancelling, destroying a generation) is left to Runs.
///
/// Who owns what: Runs holds the Run until every generation has ended; the model's sinks hold it as
/// long as the model holds them. The Run holds generations and exchange, and lets go of both when
/// Runs retires it, so no cycle outlives the work.
class Run final : public Ongoing, public std::enable_shared_from_this<Run> {
 public:
  Run(RunPlan plan, std::shared_ptr<net::Exchange> exchange, Runs& runs);

  /// Begins one generation, as model::Model::start() does.
  using Start = std::function<Result<std::unique_ptr<model::Generation>>(
      chat::Request, std::shared_ptr<model::EventSink>)>;
  /// Starts every generation and returns. Failure is answered to the client. Call once.
  void start(const Start& start);
  void start(model::Model& model);

 private:
  class Sink;
  enum class Phase : std::uint8_t { Waiting, Running, Ended };

  void on_event(std::size_t index, const chat::Event& event);
  bool start_one(const Start& start, std::size_t index);
  void watch_client();

  void on_delta(Choice& choice, const chat::Delta& delta) REQUIRES(mutex_);
  void on_finished(Choice& choice, const chat::Finished& finished) REQUIRES(mutex_);
  void fail(const Error& error) REQUIRES(mutex_);
  void open(Choice& choice, const chat::Delta* first) REQUIRES(mutex_);
  void send(std::string text) REQUIRES(mutex_);
  void finish() REQUIRES(mutex_);
  void abandon() REQUIRES(mutex_);
  void retire_if_settled() REQUIRES(mutex_);
  bool all_finished() const REQUIRES(mutex_);
  bool is_checked(const Choice& choice) const REQUIRES(mutex_);

  // Never inside on_event.
  void cancel(const Error& why) override;
  void release() override;

  const std::unique_ptr<Writer> writer_;
  const bool stream_;
  const std::optional<AnswerCheck> check_;
  Runs& runs_;  // outlives every Run that it holds

  mutable Mutex mutex_;
  std::shared_ptr<net::Exchange> exchange_ GUARDED_BY(mutex_);  // null once released
  std::vector<chat::Request> requests_ GUARDED_BY(mutex_);      // moved from as they start
  std::vector<Choice> choices_ GUARDED_BY(mutex_);
  std::vector<Phase> phases_ GUARDED_BY(mutex_);
  std::vector<bool> opened_ GUARDED_BY(mutex_);  // streams: the choice's first chunk was sent
  std::vector<std::unique_ptr<model::Generation>> generations_ GUARDED_BY(mutex_);
  std::optional<std::stop_callback<std::function<void()>>> client_gone_ GUARDED_BY(mutex_);
  bool launching_ GUARDED_BY(mutex_) = true;  // start() has not returned yet
  bool begun_ GUARDED_BY(mutex_) = false;     // streams: the status line was sent
  bool over_ GUARDED_BY(mutex_) = false;      // answered or given up: later events change nothing
  bool retired_ GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::api
