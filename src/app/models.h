#pragma once
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time_source.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "model/metered.h"
#include "model/model.h"
#include "model/pool/pool.h"
#include "model/router.h"

namespace hearth::app {

/// The configuration as it is for one that has a single model: the one that requests get when they
/// name none. [model], or the first [[pool.model]] where there is one and model.path is empty.
config::Config with_default_model(const config::Config& config);

/// The default model, in an engine process of its own; loading goes on after this returns. `time`
/// and `metrics` must outlive it. Errors: Unavailable (the process can't be started).
Result<std::unique_ptr<model::Model>> open_model(const config::Config& config,
                                                 const TimeSource& time,
                                                 metrics::Registry& metrics);

/// All models of the configuration: the default one first.
struct OpenModels {
  std::unique_ptr<model::Model> alone{};  // without [[pool.model]]: always loaded
  std::unique_ptr<model::Pool> pool{};
  std::vector<std::unique_ptr<model::Model>> metered{};  // around each of them
  std::vector<model::Model*> all{};                      // these
  /// Those that have to pass self_test(): the operational ones of the pool. What [model] names may
  /// be no assistant at all.
  std::vector<model::Model*> tried{};
  std::vector<model::RoutedModel> remote{};  // listed ones of providers; in `all` too, at its end
  std::unique_ptr<model::Router> router{};   // over all of them
};

/// Those that are operational begin to load. Errors: those of open_model() and Pool::open();
/// Unavailable (the file of an operational one cannot be read: names it, and how to get it).
/// `told` hears what each answer took. `remote` are those of other machines.
Result<OpenModels> open_models(const config::Config& config, const TimeSource& time,
                               metrics::Registry& metrics, const model::Metered::Told& told,
                               std::vector<model::RoutedModel> remote = {});

/// A model of the pool, and what its file says.
struct PooledFile {
  config::Config::Pooled settings{};  // with its path, where that follows from its name
  bool names_file = false;            // the settings say which file, rather than that it was pulled
  model::PoolFile file{};
};
/// Those that open_models() would open, in its order; nothing is loaded. Empty: there is no pool.
/// Errors: those of model::local_options.
Result<std::vector<PooledFile>> look_at_pool(const config::Config& config);
/// What those take together that are loaded at the start. Pure.
std::uint64_t start_memory_bytes(const std::vector<PooledFile>& all);
/// What all models that are loaded at a time may take: pool.memory_bytes_max, or what follows from
/// this machine.
std::uint64_t pool_memory_bytes_max(const config::Config& config);
/// The command that gets a missing model; empty: none does.
std::string how_to_get(const config::Config& config, const PooledFile& pooled);
/// What is told of context_tokens that are more than the file's own; empty: they are not.
std::string context_note(const config::Config::Model& model, const engine::ModelFacts& facts);

/// Why `model`, whose state is Failed, could not be loaded; names the file. Always Unavailable,
/// field "model.path".
Error load_error(const config::Config& config, const model::Model& model);

/// Asks an operational model "Respond with OK if you are working.", three times at most, until its
/// answer holds "OK". Errors: Unavailable (with its last answer, or why there was none), Cancelled,
/// Timeout.
Result<void> self_test(const Call& call, model::Model& model);

}  // namespace hearth::app
