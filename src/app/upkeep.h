#pragma once
#include <chrono>
#include <cstddef>
#include <stop_token>
#include <thread>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "config/config.h"
#include "store/retention.h"
#include "store/store.h"

namespace hearth::app {

/// What [store] says, as the store takes it. Pure.
store::RetentionLimits retention_limits(const config::Config::Store& kept);

/// Takes away all that need not be kept, in small steps between which others write. Gives how many
/// rows that were. Errors: Timeout, Cancelled, those of store::Retention::sweep.
Result<std::size_t> sweep_all(const Call& call, store::Retention& retention,
                              const store::RetentionLimits& limits);

/// Keeps the store within these limits while it lives: at the start and every hour, on a thread
/// of its own. What goes wrong is logged and tried again the next time. The store and the clock
/// must outlive it.
class Upkeep {
 public:
  static constexpr std::chrono::hours kPause{1};
  static constexpr Millis kSweepMax{600'000};

  Upkeep(store::Store& store, const TimeSource& time, store::RetentionLimits limits);

 private:
  void work(const std::stop_token& stop);

  store::Retention retention_;
  const store::RetentionLimits limits_;
  const std::jthread thread_;  // last: it uses the others
};

}  // namespace hearth::app
