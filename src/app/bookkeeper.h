#pragma once
#include <thread>

#include "base/bounded_queue.h"
#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/metered.h"
#include "store/ledger.h"

namespace hearth::app {

/// Writes into the ledger what answers of this machine's models took. One thread of its own, so
/// that no answer waits for the disk.
class Bookkeeper {
 public:
  /// Answers that wait to be written; beyond that they are counted as lost in the metrics.
  static constexpr std::size_t kWaitingMax = 4'096;

  /// All must outlive it.
  Bookkeeper(store::Store& store, const TimeSource& time, metrics::Registry& metrics);
  /// Writes what is waiting, then ends.
  ~Bookkeeper();

  /// For model::Metered. Never blocks.
  void note(model::Metering metering);

 private:
  void work();

  store::Ledger ledger_;
  metrics::Counter& lost_;
  BoundedQueue<model::Metering> waiting_{kWaitingMax};
  std::jthread thread_;  // last: it uses the others
};

}  // namespace hearth::app
