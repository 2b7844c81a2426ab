#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/runtime/jobs.h"
#include "engine/runtime/loading.h"
#include "engine/runtime/self_check.h"

namespace hearth::engine {

/// Whether this engine promises deterministic replies: same request, seed, model file and build,
/// same bytes. What cannot be promised from how the model was loaded is refused at once; the rest
/// is decided by a self-test at the first request that asks, and for the life of the engine. Until
/// then such requests wait here. Scheduler thread only; the model must outlive it.
class Promise {
 public:
  explicit Promise(const LoadedModel& model) : model_(model) {}

  /// Takes a request that asks for it. It comes back from take_decided().
  void hold(std::shared_ptr<GenerateJob> job);
  bool is_busy() const { return !held_.empty(); }
  /// One comparison of the self-test, when somebody waits for it.
  void step();
  /// The requests that waited, once there is a decision, in the order of their arrival.
  std::deque<std::shared_ptr<GenerateJob>> take_decided();

  /// The decision; a self-test that has not ended is run to its end.
  /// Errors: InvalidInput (`deterministic`: why it is not promised, in one sentence).
  Result<void> verdict();

 private:
  void test();
  void decide(Result<void> verdict);

  const LoadedModel& model_;
  std::unique_ptr<SelfCheck> test_;
  Clock::time_point begun_{};  // the self-test
  std::optional<Result<void>> verdict_;
  std::deque<std::shared_ptr<GenerateJob>> held_;
};

/// Why this way of loading cannot keep the promise, as an error of the field `deterministic`; ok if
/// it may. Any thread.
Result<void> may_promise(const LoadedModel& model);

}  // namespace hearth::engine
