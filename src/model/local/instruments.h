#pragma once
#include <string>

#include "chat/generation.h"
#include "engine/frames.h"
#include "metrics/metrics.h"

namespace hearth::model::local {

/// The metrics of one local model. Any thread.
class Instruments {
 public:
  Instruments(metrics::Registry& registry, const std::string& model);

  void set_load(std::size_t running, std::size_t waiting);
  void count_started(const chat::Started& started);
  void count_finished(const chat::Finished& finished);
  /// A new engine begins to count from 0.
  void begin_engine();
  /// Engine client thread only, as begin_engine().
  void count_snapshots(const engine::SnapshotStats& stats);

  metrics::Counter& requests;
  metrics::Counter& refused;  // Busy
  metrics::Counter& failed;
  metrics::Counter& restarts;
  metrics::Histogram& first_token_seconds;
  metrics::Histogram& between_tokens_seconds;

 private:
  metrics::Counter& prompt_tokens_;
  metrics::Counter& reused_tokens_;
  metrics::Counter& computed_tokens_;
  metrics::Counter& completion_tokens_;
  metrics::Counter& accepted_drafts_;
  metrics::Counter& rejected_drafts_;
  metrics::Counter& forced_tokens_;
  metrics::Gauge& running_;
  metrics::Gauge& waiting_;
  metrics::Counter& snapshots_saved_;
  metrics::Counter& snapshots_restored_;
  metrics::Counter& snapshots_refused_;
  metrics::Counter& snapshots_skipped_;
  metrics::Counter& snapshots_evicted_;
  metrics::Counter& snapshot_tokens_restored_;
  metrics::Gauge& snapshot_bytes_;
  metrics::Gauge& snapshot_files_;
  engine::SnapshotStats counted_{};  // of this engine
};

}  // namespace hearth::model::local
