#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "policy/budget.h"
#include "policy/price_table.h"
#include "store/ledger.h"

namespace hearth::model {

namespace spending {
class Till;
}

struct CashierOptions {
  policy::Caps caps{};
  policy::PriceTable prices{};
  /// The owner that the ledger writes for chat::Request::account.
  std::function<std::string(std::uint64_t account)> owner_of{};
};

/// A model of a provider, as the ledger and the price table call it.
struct PaidModel {
  std::string provider;                     // "anthropic"
  std::string kind;                         // of the provider, whose prices hold
  std::string id;                           // "claude-haiku-4-5"
  std::uint32_t answer_tokens_max = 4'096;  // where a request has no bound
};

/// Where answers of providers are paid for. Before a provider is asked, the most that the answer
/// may cost is reserved in the ledger, if the caps allow it; behind its end stands what it did
/// cost. Reservations that are wanted at the same time wait for the disk together. Any thread.
class Cashier {
 public:
  /// All must outlive it.
  Cashier(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
          CashierOptions options);
  /// Writes what is waiting. No answer may be running any more.
  ~Cashier();
  Cashier(const Cashier&) = delete;
  Cashier& operator=(const Cashier&) = delete;

  /// `model` for those who pay. Asking it fails with Denied: no price is known (start()); a cap
  /// would be exceeded, spending is stopped, or little is left and a cheaper model waits (then as
  /// chat::Failed, with a field of budget). An answer for which a cap is nearly reached says so in
  /// its notes. `model` and the cashier outlive it.
  std::unique_ptr<Model> paid(Model& model, PaidModel what);

  /// The kill switch: ends all paid answers that run, at once, with Denied, and refuses new ones,
  /// also after a restart. Errors: those of store::Ledger::stop, which keep it from outliving a
  /// restart, but not from holding now.
  Result<void> stop_spending(const Call& call, const std::string& why);
  Result<void> go_on(const Call& call);

  struct Standing {
    policy::Caps caps{};
    store::Totals totals{};
    policy::Period period{};
    std::optional<store::Stopped> stopped{};
    std::size_t running = 0;  // paid answers
  };
  /// As it is for one owner. Errors: those of store::Ledger::totals.
  Result<Standing> standing(const Call& call, const std::string& owner);

 private:
  const std::shared_ptr<spending::Till> till_;
};

}  // namespace hearth::model
