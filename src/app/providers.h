#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "config/config.h"
#include "model/cashier.h"
#include "model/metered.h"
#include "model/remote.h"
#include "model/router.h"

namespace hearth::app {

/// What providers may be paid, as the configuration says. Errors: InvalidInput (an amount, or a
/// price file; names where it stands), those of config::load_prices.
Result<model::CashierOptions> cashier_options(const config::Config& config);

/// Why a provider cannot be asked as it is set up: its key is missing; empty: it can. Nobody is
/// asked. Errors: InvalidInput (a kind, address or key that is none), Unavailable (the proxies of
/// the environment cannot be read).
Result<std::string> trouble_of(const config::Config& config,
                               const config::Config::Provider& provider,
                               const config::Environment& environment);
/// The variable that its key is read from; empty: a file, or it needs none.
std::string key_variable_of(const config::Config::Provider& provider);

/// The providers of the configuration with their keys, and the models of them that were named so
/// far. Any thread.
class Providers {
 public:
  /// A provider without its key is there, but every question fails and says what to set. `told`
  /// hears what became of each. What is borrowed outlives it. Errors: InvalidInput (a kind, address
  /// or key that is none), Unavailable (no thread; the proxies of the environment cannot be read).
  static Result<std::unique_ptr<Providers>> open(const config::Config& config,
                                                 const config::Environment& environment,
                                                 model::Cashier& cashier, const TimeSource& time,
                                                 metrics::Registry& metrics,
                                                 model::Metered::Told told);

  /// Those that the configuration lists, for the router; in its order.
  std::vector<model::RoutedModel> listed();
  /// "NAME/model", listed or not; null: there is no such provider, or no such name of a model.
  model::Model* find(std::string_view name);

 private:
  struct Made {
    std::unique_ptr<model::Model> paid{}, metered{};  // paid: null where it is free
  };
  Providers(model::Cashier& cashier, const TimeSource& time, model::Metered::Told told)
      : cashier_(cashier), time_(time), told_(std::move(told)) {}
  Made make(const config::Config::Provider& settings, model::Model& model, std::string_view id);

  model::Cashier& cashier_;
  const TimeSource& time_;
  const model::Metered::Told told_;
  std::vector<config::Config::Provider> settings_{};
  std::unique_ptr<net::Client> client_{};  // null: there are no providers
  std::vector<std::unique_ptr<model::Provider>> providers_{};
  Mutex mutex_{};
  std::map<std::string, Made, std::less<>> made_ GUARDED_BY(mutex_){};
};

}  // namespace hearth::app
