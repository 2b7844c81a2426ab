#include "app/upkeep.h"

#include <condition_variable>

#include "base/log.h"
#include "base/mutex.h"

namespace hearth::app {
namespace {

store::Keep keep(std::uint32_t days_max, std::uint32_t rows_max) {
  return {std::chrono::hours(24) * days_max, rows_max};
}

}  // namespace

store::RetentionLimits retention_limits(const config::Config::Store& kept) {
  store::RetentionLimits limits{
      .inbox = keep(kept.inbox_days_max, kept.inbox_rows_max),
      .outbox = keep(kept.outbox_days_max, kept.outbox_rows_max),
      .effects = keep(kept.effects_days_max, kept.effects_rows_max),
      .approvals = keep(kept.approvals_days_max, kept.approvals_rows_max),
      .decisions = keep(kept.decisions_days_max, kept.decisions_rows_max),
      .journal = keep(kept.journal_days_max, kept.journal_rows_max),
      .ledger = keep(kept.ledger_days_max, kept.ledger_rows_max),
      .responses = keep(kept.responses_days_max, kept.responses_rows_max)};
  if (kept.archived_messages_max > 0) limits.archived_messages_max = kept.archived_messages_max;
  return limits;
}

Result<std::size_t> sweep_all(const Call& call, store::Retention& retention,
                              const store::RetentionLimits& limits) {
  std::size_t rows = 0;
  for (;;) {
    TRY(const store::Swept swept, retention.sweep(call, limits));
    rows += swept.rows;
    if (swept.is_done) return rows;
  }
}

Upkeep::Upkeep(store::Store& store, const TimeSource& time, store::RetentionLimits limits)
    : retention_(store, time),
      limits_(std::move(limits)),
      thread_([this](std::stop_token stop) { work(stop); }) {}

void Upkeep::work(const std::stop_token& stop) {
  Mutex mutex;
  std::condition_variable_any stopped;
  while (!stop.stop_requested()) {
    const auto swept = sweep_all(Call::within(kSweepMax, stop), retention_, limits_);
    if (!swept.ok() && !stop.stop_requested())
      log::warn("what need not be kept cannot be removed: {}", swept.error().message);
    if (swept.ok() && swept.value() > 0) log::info("{} rows were not to be kept", swept.value());
    MutexLock lock(mutex);
    stopped.wait_for(mutex, stop, kPause, [] { return false; });
  }
}

}  // namespace hearth::app
