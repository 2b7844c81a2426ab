#pragma once
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "model/delivery/delivery.h"
#include "model/spending/till.h"

namespace hearth::model::spending {

/// What one model costs, and where that is counted.
struct Goods {
  PaidModel what{};
  policy::Price price{};
  metrics::Counter *cost_micro = nullptr, *refused = nullptr;
};

/// One answer that is paid for: waits for its reservation, asks the model, and settles when it has
/// ended, whoever ended it. Any thread.
class Purchase final : public EventSink, public std::enable_shared_from_this<Purchase> {
 public:
  Purchase(std::shared_ptr<Till> till, std::shared_ptr<const Goods> goods, Model& model,
           chat::Request request, std::shared_ptr<EventSink> sink);

  // The till's thread.
  store::Ledger::Wanted wanted();
  void reserved(const Result<std::int64_t>& id) EXCLUDES(mutex_);

  /// As Generation::cancel() and its destructor promise.
  void give_up(std::optional<chat::Event> last) EXCLUDES(mutex_);

  /// From the model.
  void on_event(const chat::Event& event) override;

  std::uint64_t number = 0;  // the till's

 private:
  Result<void> decide(const store::Totals& totals, const policy::Period& period);
  void refuse(const Error& error);
  void settle(const chat::Usage& usage);
  void release();
  std::int64_t cost_of(const chat::Usage& usage, store::Consumption& taken) const;

  const std::shared_ptr<Till> till_;
  const std::shared_ptr<const Goods> goods_;
  Model& model_;
  chat::Request request_;  // until the model is asked
  const std::uint64_t account_;
  const std::string session_;
  const chat::Purpose purpose_;
  const bool cheaper_waits_;
  const std::uint64_t prompt_tokens_max_;
  const std::uint32_t answer_tokens_max_;
  const policy::MicroDollars worst_micro_;
  Delivery delivery_;
  policy::Standing standing_{};   // the till's thread, until the model is asked
  std::int64_t id_ = 0;           // likewise
  std::uint64_t said_bytes_ = 0;  // in on_event
  std::int64_t cost_micro_ = 0;   // likewise

  Mutex mutex_{};  // never held while anything else is called
  bool is_given_up_ GUARDED_BY(mutex_) = false;
  std::optional<Error> why_given_up_ GUARDED_BY(mutex_){};
  std::unique_ptr<Generation> generation_ GUARDED_BY(mutex_){};
};

}  // namespace hearth::model::spending
