#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "engine/cores/core_lease.h"
#include "engine/cores/cpu_watch.h"
#include "engine/cores/governor.h"
#include "engine/frames.h"

namespace hearth::engine {

/// The present state of something, written by the scheduler, read by anyone.
template <class State>
class Cell {
 public:
  void set(const State& state) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    state_ = state;
  }
  State get() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return state_;
  }

 private:
  mutable Mutex mutex_;
  State state_ GUARDED_BY(mutex_);
};
using CoreUseCell = Cell<CoreUse>;

/// How many threads the next step of this engine may have: what the governor leaves to neighbours,
/// shared by the lease with the other engines. Scheduler thread.
class Cores {
 public:
  struct Options {
    std::uint32_t threads = 1;  // the most a step has
    std::uint32_t cores = 1;    // that this process may use
    bool fixed = false;         // the count was asked for: no governor
    bool can_restart = false;   // a step may be given up and begun anew
    std::string board{};        // path of the core board; empty: no lease
  };
  /// A board that cannot be used is logged, and the engine takes all cores. `use` must outlive it.
  Cores(Options options, CoreUseCell& use);

  /// Threads for the step that begins now. `rows`: tokens of its batch; 0: its time cannot be
  /// compared. Waits while other engines hold all cores, or until `stop()` says so.
  std::uint32_t begin(StepKind kind, std::uint32_t rows, const std::function<bool()>& stop);
  /// Asked again and again during the step: whether to give it up, and begin it anew with fewer
  /// threads, because somebody else has a core of ours.
  bool must_restart();
  /// The step is over. `completed`: it was computed to its end.
  void end(bool completed);
  /// Nothing is to be computed: other engines may have all cores.
  void idle();

 private:
  CoreUse::Limit limit() const;
  void publish();

  const Options options_;
  CoreUseCell& use_;
  std::unique_ptr<CoreLease> lease_;
  std::optional<Governor> governor_;  // only where the count may change
  CpuWatch watch_;
  CoreLease::Grant grant_;
  Step step_;
  Clock::time_point began_{};
  std::optional<Clock::time_point> overtime_at_{};
  std::optional<Look> denied_{};  // the look that made must_restart() say yes
  bool is_idle_ = true;
};

}  // namespace hearth::engine
