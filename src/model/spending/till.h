#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "base/bounded_queue.h"
#include "base/mutex.h"
#include "model/cashier.h"

namespace hearth::model::spending {

class Purchase;

/// The end of a call that was reserved.
struct Settlement {
  std::int64_t id = 0;
  std::optional<std::int64_t> cost_micro{};  // absent: it was never made
  store::Consumption consumption{};
};

/// The thread that writes into the ledger, and who buys at the moment. Any thread.
class Till {
 public:
  static constexpr std::size_t kWaitingMax = 8'192;
  static constexpr std::size_t kTogetherMax = 256;

  Till(store::Store& store, const TimeSource& time, metrics::Registry& metrics,
       CashierOptions options);
  /// Writes what is waiting, and from then on nothing. Not on its own thread.
  void close();

  /// Purchase::reserved() follows. Errors: Busy, Denied (spending is stopped).
  Result<void> reserve(const std::shared_ptr<Purchase>& purchase) EXCLUDES(mutex_);
  void settle(const Settlement& settlement);
  void left(std::uint64_t number) EXCLUDES(mutex_);

  Result<void> stop(const Call& call, const std::string& why) EXCLUDES(mutex_);
  Result<void> go_on(const Call& call) EXCLUDES(mutex_);
  std::size_t running() const EXCLUDES(mutex_);

  const CashierOptions options;
  const TimeSource& time;
  metrics::Registry& metrics;
  store::Ledger ledger;

 private:
  using Job = std::variant<std::shared_ptr<Purchase>, Settlement>;
  void work();
  void reserve_all(std::vector<std::shared_ptr<Purchase>> purchases);
  void write(const Settlement& settlement);

  metrics::Counter& lost_;
  mutable Mutex mutex_{};
  std::uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, std::weak_ptr<Purchase>> buying_ GUARDED_BY(mutex_){};
  std::optional<std::string> stopped_ GUARDED_BY(mutex_){};  // why
  BoundedQueue<Job> waiting_{kWaitingMax};
  std::jthread thread_;  // last: it uses the others, until close()
};

}  // namespace hearth::model::spending
