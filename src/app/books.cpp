#include "app/books.h"

#include <utility>

#include "app/providers.h"
#include "base/log.h"

namespace hearth::app {
namespace {

constexpr Millis kSettleMax{60'000};
constexpr Millis kStopSpendingMax{5'000};

/// Null: there shall be none.
Result<std::unique_ptr<RequestLog>> open_log(const config::Config& config, const TimeSource& time) {
  if (!config.metrics.daily_files) return std::unique_ptr<RequestLog>();
  return RequestLog::open(config.data_dir + "/metrics", config.metrics.days_max, time);
}

Result<void> settle_lost(store::Store& store, const TimeSource& time) {
  store::Ledger ledger(store, time);
  TRY(const std::size_t lost, ledger.settle_lost(Call::within(kSettleMax)));
  if (lost > 0)
    log::warn(
        "{} answers of providers were cut off by the end of the last process; the ledger "
        "counts the most that they may have cost",
        lost);
  return ok();
}

}  // namespace

Result<std::unique_ptr<Books>> Books::open(const config::Config& config, store::Store& store,
                                           const TimeSource& time, metrics::Registry& metrics) {
  TRY(auto paying, cashier_options(config));
  TRY(auto log, open_log(config, time));
  TRY_VOID(settle_lost(store, time));
  return std::unique_ptr<Books>(new Books(store, time, metrics, std::move(log), std::move(paying)));
}

model::Metered::Told Books::told() {
  return [this](model::Metering metering) {
    if (!metering.failed) uses_.note(metering.model, unix_time<Millis>(time_));
    keeper_.note(std::move(metering));
  };
}

void Books::stop_spending(const std::string& why) {
  const auto stopped = cashier_.stop_spending(Call::within(kStopSpendingMax), why);
  if (!stopped.ok()) log::error("a restart will forget it: {}", stopped.error().message);
}

}  // namespace hearth::app
