#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"

namespace hearth::api {

class Run;

/// All answers that are being made, and the one thread that cancels and destroys their generations:
/// model::Generation waits for its last event there, which no model or net thread may do.
/// Its line holds at most one cancel and one retire for each answer, so it is as bounded as they
/// are (by the server's connections). Every method may be called from any thread and never blocks.
class Runs {
 public:
  Runs();
  /// Cancels what still runs and waits for it. No answer may be started meanwhile or later.
  ~Runs();

  /// Keeps `run` until retire().
  void add(std::shared_ptr<Run> run);
  /// Stops its generations soon; what the client still gets says that it was cancelled.
  void cancel(std::shared_ptr<Run> run);
  /// The same for every answer that is being made; their clients get `why`.
  void end_all(const Error& why);
  /// Frees its generations and its exchange soon.
  void retire(std::shared_ptr<Run> run);
  /// Answers being made now.
  std::size_t size() const;

 private:
  struct Order {
    std::shared_ptr<Run> run;
    std::optional<Error> why;  // cancel it; absent: retire it
  };

  void work();
  void carry_out(const Order& order);
  void push(Order order);

  mutable Mutex mutex_;
  std::set<std::shared_ptr<Run>> active_ GUARDED_BY(mutex_);
  std::deque<Order> orders_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hearth::api
