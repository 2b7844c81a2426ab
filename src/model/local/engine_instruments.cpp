#include "model/local/engine_instruments.h"

namespace hearth::model::local {
namespace {

constexpr const char* kChanges = "hearth_engine_thread_changes_total";
constexpr const char* kChangesHelp =
    "Times that the governor took a core from the engine (down) or gave it back (up).";

/// How much a counter of the engine has grown; a new engine counts from zero.
std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
  return now >= before ? now - before : now;
}

}  // namespace

EngineInstruments::EngineInstruments(metrics::Registry& registry, const std::string& model)
    : threads_(registry.gauge("hearth_engine_threads", "Threads of the engine's last step.",
                              {{"model", model}})),
      cores_(registry.gauge("hearth_engine_cores", "Cores that the engine may use.",
                            {{"model", model}})),
      engines_(registry.gauge("hearth_engine_sharers",
                              "Engines that compute at the same time, this one included.",
                              {{"model", model}})),
      shares_(registry.gauge("hearth_engine_shares_cores",
                             "1 if the engine shares cores with other engines, 0 if it cannot.",
                             {{"model", model}})),
      neighbour_cores_(registry.gauge("hearth_engine_neighbour_cores",
                                      "Cores that other programs keep busy, as the engine saw.",
                                      {{"model", model}})),
      denied_seconds_(registry.gauge(
          "hearth_engine_denied_seconds",
          "How long threads of the engine were ready and had no core, since it started.",
          {{"model", model}})),
      downs_(registry.counter(kChanges, kChangesHelp, {{"model", model}, {"direction", "down"}})),
      ups_(registry.counter(kChanges, kChangesHelp, {{"model", model}, {"direction", "up"}})) {
  const char* const kNames[kLimits] = {"none", "fixed", "tiny_model", "neighbours", "engines"};
  for (std::size_t i = 0; i < kLimits; ++i)
    limits_[i] = &registry.gauge("hearth_engine_threads_limit",
                                 "1 for what decides how many threads the engine has.",
                                 {{"model", model}, {"by", kNames[i]}});
}

void EngineInstruments::note(const engine::CoreUse& use) {
  MutexLock lock(mutex_);
  threads_.set(use.threads);
  cores_.set(use.cores);
  engines_.set(use.engines);
  shares_.set(use.shares ? 1 : 0);
  neighbour_cores_.set(static_cast<double>(use.neighbour_cores));
  denied_seconds_.set(static_cast<double>(use.denied_us) / 1e6);
  downs_.add(growth(before_.downs, use.downs));
  ups_.add(growth(before_.ups, use.ups));
  for (std::size_t i = 0; i < kLimits; ++i)
    limits_[i]->set(i == static_cast<std::size_t>(use.limit) ? 1 : 0);
  before_ = use;
}

}  // namespace hearth::model::local
