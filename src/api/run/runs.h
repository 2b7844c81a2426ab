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

/// An answer that is being made, as Runs sees it. Both are called on the thread of Runs only.
class Ongoing {
 public:
  virtual ~Ongoing() = default;
  /// Stops its generations; what its client still gets says why.
  virtual void cancel(const Error& why) = 0;
  /// Frees its generations and lets go of its client. Nothing is called after it.
  virtual void release() = 0;
};

/// All answers that are being made, whoever asked and by which protocol, and the one thread that
/// cancels and destroys their generations:
/// model::Generation waits for its last event there, which no model or net thread may do.
/// Its line holds at most one cancel and one retire for each answer, so it is as bounded as they
/// are (by the server's connections). Every method may be called from any thread and never blocks.
class Runs {
 public:
  Runs();
  /// Cancels what still runs and waits for it. No answer may be started meanwhile or later.
  ~Runs();

  /// Keeps `run` until retire().
  void add(std::shared_ptr<Ongoing> run);
  /// Stops its generations soon; what the client still gets says that it was cancelled.
  void cancel(std::shared_ptr<Ongoing> run);
  /// The same for every answer that is being made; their clients get `why`.
  void end_all(const Error& why);
  /// Frees its generations and its exchange soon.
  void retire(std::shared_ptr<Ongoing> run);
  /// Answers being made now.
  std::size_t size() const;

 private:
  struct Order {
    std::shared_ptr<Ongoing> run;
    std::optional<Error> why;  // cancel it; absent: retire it
  };

  void work();
  void carry_out(const Order& order);
  void push(Order order);

  mutable Mutex mutex_;
  std::set<std::shared_ptr<Ongoing>> active_ GUARDED_BY(mutex_);
  std::deque<Order> orders_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace hearth::api
