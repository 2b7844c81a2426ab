#pragma once
#include <memory>
#include <thread>

#include "app/request_log.h"
#include "base/bounded_queue.h"
#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/metered.h"
#include "store/ledger.h"

namespace hearth::app {

/// Writes down what answers took: into the ledger those that cost nothing (others are there
/// already), and all into the daily files. One thread of its own, so that no answer waits for the
/// disk.
class Bookkeeper {
 public:
  /// Answers that wait to be written; beyond that they are counted as lost in the metrics.
  static constexpr std::size_t kWaitingMax = 4'096;

  /// `log`: null, no daily files are kept. All else must outlive it.
  Bookkeeper(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
             std::unique_ptr<RequestLog> log);
  /// Writes what is waiting, then ends.
  ~Bookkeeper();

  /// For model::Metered. Never blocks.
  void note(model::Metering metering);

 private:
  void work();
  void write(const model::Metering& metering);

  store::Ledger ledger_;
  const std::unique_ptr<RequestLog> log_;
  bool log_failed_ = false;  // it was said
  metrics::Counter& lost_;
  BoundedQueue<model::Metering> waiting_{kWaitingMax};
  std::jthread thread_;  // last: it uses the others
};

}  // namespace hearth::app
