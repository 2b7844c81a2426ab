#pragma once
#include <memory>

#include "app/bookkeeper.h"
#include "config/config.h"
#include "model/cashier.h"
#include "model/uses.h"

namespace hearth::app {

/// What is written down of answers: what they took, what they did cost, how often a model was used.
/// Any thread.
class Books {
 public:
  /// Calls that the last process left open count with the most that they may have cost. All that is
  /// borrowed outlives them. Errors: those of cashier_options(), RequestLog::open() and
  /// store::Ledger::settle_lost().
  static Result<std::unique_ptr<Books>> open(const config::Config& config, store::Store& store,
                                             const TimeSource& time, metrics::Registry& metrics);

  /// For model::Metered.
  model::Metered::Told told();
  /// The kill switch, by a signal: also where it cannot be written down.
  void stop_spending(const std::string& why);
  model::Cashier& cashier() { return cashier_; }
  const model::Uses& uses() const { return uses_; }

 private:
  Books(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
        std::unique_ptr<RequestLog> log, model::CashierOptions paying)
      : time_(time),
        keeper_(store, time, metrics, std::move(log)),
        cashier_(store, time, metrics, std::move(paying)) {}

  const TimeSource& time_;
  model::Uses uses_{};
  Bookkeeper keeper_;
  model::Cashier cashier_;
};

}  // namespace hearth::app
