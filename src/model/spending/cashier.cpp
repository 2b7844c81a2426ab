#include "model/cashier.h"

#include "model/forwarding.h"
#include "model/spending/purchase.h"
#include "model/spending/till.h"

namespace hearth::model {
namespace spending {
namespace {

class Purchased final : public Generation {
 public:
  explicit Purchased(std::shared_ptr<Purchase> purchase) : purchase_(std::move(purchase)) {}
  ~Purchased() override { purchase_->give_up(std::nullopt); }
  void cancel() override {
    purchase_->give_up(
        chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled", {}}}));
  }

 private:
  const std::shared_ptr<Purchase> purchase_;
};

/// What a price's `model` is called.
std::string price_name(const PaidModel& what) { return what.kind + "/" + what.id; }

class PayingModel final : public Forwarding {
 public:
  PayingModel(Model& model, std::shared_ptr<Till> till, PaidModel what);
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;

 private:
  const std::shared_ptr<Till> till_;
  const std::string price_name_;
  std::shared_ptr<const Goods> goods_{};  // null: nobody knows the price
};

PayingModel::PayingModel(Model& model, std::shared_ptr<Till> till, PaidModel what)
    : Forwarding(model), till_(std::move(till)), price_name_(price_name(what)) {
  const policy::PriceEntry* const entry = till_->options.prices.find(price_name_);
  if (!entry) return;
  Goods goods{.what = std::move(what), .price = entry->price};
  goods.cost_micro = &till_->metrics.counter("hearth_provider_cost_microdollars_total",
                                             "What answers of providers did cost.",
                                             {{"provider", goods.what.provider}});
  goods.refused = &till_->metrics.counter("hearth_provider_refused_total",
                                          "Questions that a budget did not allow.",
                                          {{"provider", goods.what.provider}});
  goods_ = std::make_shared<const Goods>(std::move(goods));
}

Result<std::unique_ptr<Generation>> PayingModel::start(chat::Request request,
                                                       std::shared_ptr<EventSink> sink) {
  const bool costs_nothing = request.tokens_max == 0u || model_.state() == State::Failed ||
                             !std::holds_alternative<chat::Conversation>(request.prompt);
  if (costs_nothing) return model_.start(std::move(request), std::move(sink));  // or is refused
  if (!goods_)
    return Error{Code::Denied,
                 "no price is known for '" + name() +
                     "', so that no budget could hold; put it into prices.toml as model = \"" +
                     price_name_ +
                     "\" (see docs/providers.md), or say free = true for its provider",
                 "model"};
  const auto purchase =
      std::make_shared<Purchase>(till_, goods_, model_, std::move(request), std::move(sink));
  TRY_VOID(till_->reserve(purchase));
  return std::unique_ptr<Generation>(std::make_unique<Purchased>(purchase));
}

}  // namespace
}  // namespace spending

Cashier::Cashier(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
                 CashierOptions options)
    : till_(std::make_shared<spending::Till>(store, time, metrics, std::move(options))) {}

// Purchases that are over may outlive it, and one of them may let go of the till last.
Cashier::~Cashier() { till_->close(); }

std::unique_ptr<Model> Cashier::paid(Model& model, PaidModel what) {
  return std::make_unique<spending::PayingModel>(model, till_, std::move(what));
}

Result<void> Cashier::stop_spending(const Call& call, const std::string& why) {
  return till_->stop(call, why);
}

Result<void> Cashier::go_on(const Call& call) { return till_->go_on(call); }

Result<Cashier::Standing> Cashier::standing(const Call& call, const std::string& owner) {
  const policy::Period period = policy::period_of(unix_time<Millis>(till_->time));
  Standing standing{.caps = till_->options.caps, .period = period, .running = till_->running()};
  TRY(standing.totals,
      till_->ledger.totals(call, {.owner = owner},
                           {.day_ms = period.day_ms, .month_ms = period.month_ms}));
  TRY(standing.stopped, till_->ledger.stopped(call));
  return standing;
}

}  // namespace hearth::model
