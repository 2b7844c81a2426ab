#pragma once
#include <array>
#include <string>

#include "base/mutex.h"
#include "engine/frames.h"
#include "metrics/metrics.h"

namespace hearth::model::local {

/// What /metrics shows of an engine's inside, which only the engine itself knows. Counters go on
/// where a new engine begins again at zero. Any thread.
class EngineInstruments {
 public:
  EngineInstruments(metrics::Registry& registry, const std::string& model);
  void note(const engine::StatsReply& stats) EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kLimits = 5;  // values of engine::CoreUse::Limit

  void note(const engine::CoreUse& now, const engine::CoreUse& before);
  void note(const engine::PrefixUse& now, const engine::PrefixUse& before);

  metrics::Gauge& threads_;
  metrics::Gauge& cores_;
  metrics::Gauge& engines_;
  metrics::Gauge& shares_;
  metrics::Gauge& neighbour_cores_;
  metrics::Gauge& denied_seconds_;
  metrics::Counter& downs_;
  metrics::Counter& ups_;
  std::array<metrics::Gauge*, kLimits> limits_{};
  metrics::Counter& hits_;
  metrics::Counter& misses_;
  metrics::Counter& evictions_;
  metrics::Gauge& kept_;
  metrics::Gauge& pinned_;
  metrics::Gauge& cells_;
  metrics::Gauge& cells_used_;
  Mutex mutex_;
  engine::StatsReply before_ GUARDED_BY(mutex_);
};

}  // namespace hearth::model::local
