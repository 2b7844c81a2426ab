#include "model/spending/till.h"

#include <utility>

#include "base/log.h"
#include "model/spending/purchase.h"

namespace hearth::model::spending {
namespace {

constexpr Millis kIdle{3'600'000};  // a wait that found nothing by then is repeated
constexpr Millis kWriteMax{10'000};

}  // namespace

Till::Till(store::Store& store, const TimeSource& clock, metrics::Registry& registry,
           CashierOptions given)
    : options(std::move(given)),
      time(clock),
      metrics(registry),
      ledger(store, clock),
      lost_(registry.counter("hearth_ledger_lost_total",
                             "Answers that the ledger does not know, because it was too busy.")),
      thread_([this] { work(); }) {}

void Till::close() {
  waiting_.close();
  if (thread_.joinable()) thread_.join();
}

Result<void> Till::reserve(const std::shared_ptr<Purchase>& purchase) {
  {
    MutexLock lock(mutex_);
    if (stopped_) return store::Ledger::stopped_error(*stopped_);
    purchase->number = ++last_number_;
    buying_.emplace(purchase->number, purchase);
  }
  if (waiting_.try_push(purchase)) return ok();
  left(purchase->number);
  return Error{Code::Busy, "too many answers wait to be paid for; try again soon"};
}

void Till::settle(const Settlement& settlement) {
  if (waiting_.try_push(Job(settlement))) return;
  lost_.add();  // it stays reserved, and so counts as the most that it may cost
  log::warn("the end of expense {} is not in the ledger: too many wait", settlement.id);
}

void Till::left(std::uint64_t number) {
  MutexLock lock(mutex_);
  buying_.erase(number);
}

std::size_t Till::running() const {
  MutexLock lock(mutex_);
  return buying_.size();
}

void Till::work() {
  while (true) {
    auto next = waiting_.pop(Call::within(kIdle));
    if (!next.ok()) continue;
    if (!next.value()) return;
    std::vector<std::shared_ptr<Purchase>> wanted;
    std::optional<Job> job = std::move(next).value();
    for (std::size_t taken = 1; job; ++taken) {
      if (auto* const purchase = std::get_if<std::shared_ptr<Purchase>>(&*job))
        wanted.push_back(std::move(*purchase));
      else
        write(std::get<Settlement>(*job));
      job = taken < kTogetherMax ? waiting_.try_pop() : std::nullopt;
    }
    if (!wanted.empty()) reserve_all(std::move(wanted));
  }
}

void Till::reserve_all(std::vector<std::shared_ptr<Purchase>> purchases) {
  std::vector<store::Ledger::Wanted> wanted;
  for (const auto& purchase : purchases) wanted.push_back(purchase->wanted());
  const auto given = ledger.reserve(Call::within(kWriteMax), wanted);
  for (std::size_t i = 0; i < purchases.size(); ++i)
    purchases[i]->reserved(given.ok() ? given.value()[i] : given.error());
}

void Till::write(const Settlement& settlement) {
  const Call call = Call::within(kWriteMax);
  const auto written =
      settlement.cost_micro
          ? ledger.settle(call, settlement.id, *settlement.cost_micro, settlement.consumption)
          : ledger.release(call, settlement.id);
  if (written.ok()) return;
  lost_.add();
  log::warn("the end of expense {} is not in the ledger: {}", settlement.id,
            written.error().message);
}

Result<void> Till::stop(const Call& call, const std::string& why) {
  std::vector<std::shared_ptr<Purchase>> ended;
  {
    MutexLock lock(mutex_);
    if (!stopped_) stopped_ = why;
    for (const auto& [number, buyer] : buying_)
      if (auto purchase = buyer.lock()) ended.push_back(std::move(purchase));
  }
  const chat::Event last = chat::Failed{store::Ledger::stopped_error(why)};
  for (const auto& purchase : ended) purchase->give_up(last);
  log::warn("spending is stopped{}; {} answers were ended", why.empty() ? "" : " (" + why + ")",
            ended.size());
  return ledger.stop(call, why);
}

Result<void> Till::go_on(const Call& call) {
  TRY_VOID(ledger.go_on(call));
  log::info("spending goes on");
  MutexLock lock(mutex_);
  stopped_.reset();
  return ok();
}

}  // namespace hearth::model::spending
