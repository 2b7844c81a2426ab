#include "app/bookkeeper.h"

#include <cmath>
#include <utility>

#include "api/sessions/owner.h"
#include "base/log.h"

namespace hearth::app {
namespace {

constexpr Millis kIdle{3'600'000};  // a wait that found nothing by then is repeated
constexpr Millis kWriteMax{10'000};

/// As the provider calls it.
std::string model_of(const model::Metering& metering) {
  const std::string prefix = metering.provider + "/";
  return metering.model.starts_with(prefix) ? metering.model.substr(prefix.size()) : metering.model;
}

store::Expense expense_of(const model::Metering& metering) {
  return {.owner = api::owner_of(metering.account),
          .session_id = metering.session,
          .purpose = metering.purpose,
          .provider = metering.provider,
          .model = model_of(metering)};
}

store::Consumption consumption_of(const model::Metering& metering) {
  const chat::Usage& usage = metering.usage;
  const std::uint64_t cached = std::min(usage.cached_tokens, usage.prompt_tokens);
  const double ms = metering.timings.prompt_ms + metering.timings.predicted_ms;
  return {.input_tokens = usage.prompt_tokens - cached,
          .cache_read_tokens = cached,
          .output_tokens = usage.completion_tokens,
          .computed_ms = static_cast<std::uint64_t>(std::llround(std::max(ms, 0.0)))};
}

}  // namespace

Bookkeeper::Bookkeeper(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
                       std::unique_ptr<RequestLog> log)
    : ledger_(store, time),
      log_(std::move(log)),
      lost_(metrics.counter("hearth_ledger_lost_total",
                            "Answers that the ledger does not know, because it was too busy.")),
      thread_([this] { work(); }) {}

Bookkeeper::~Bookkeeper() { waiting_.close(); }

void Bookkeeper::note(model::Metering metering) {
  if (!waiting_.try_push(std::move(metering))) lost_.add();
}

void Bookkeeper::work() {
  while (true) {
    auto next = waiting_.pop(Call::within(kIdle));
    if (!next.ok()) continue;
    if (!next.value()) return;
    write(*next.value());
  }
}

void Bookkeeper::write(const model::Metering& metering) {
  if (!metering.is_paid && !metering.failed) {
    const auto written = ledger_.record_free(Call::within(kWriteMax), expense_of(metering),
                                             consumption_of(metering));
    if (!written.ok()) {
      lost_.add();
      log::warn("an answer is not in the ledger: {}", written.error().message);
    }
  }
  if (!log_) return;
  const auto logged = log_->add(metering);
  if (!logged.ok() && !std::exchange(log_failed_, true))
    log::warn("the daily files of answers are not written: {}", logged.error().message);
  if (logged.ok()) log_failed_ = false;
}

}  // namespace hearth::app
