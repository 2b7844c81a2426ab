#include "model/local/engine_instruments.h"

namespace hearth::model::local {
namespace {

constexpr const char* kChanges = "hearth_engine_thread_changes_total";
constexpr const char* kChangesHelp =
    "Times that the governor took a core from the engine (down) or gave it back (up).";
constexpr const char* kPrefixes = "hearth_prefix_lookups_total";
constexpr const char* kPrefixesHelp =
    "Prompts that found their beginning in the KV cache (hit), or nothing of it (miss).";

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
      ups_(registry.counter(kChanges, kChangesHelp, {{"model", model}, {"direction", "up"}})),
      hits_(registry.counter(kPrefixes, kPrefixesHelp, {{"model", model}, {"result", "hit"}})),
      misses_(registry.counter(kPrefixes, kPrefixesHelp, {{"model", model}, {"result", "miss"}})),
      evictions_(registry.counter("hearth_prefix_evictions_total",
                                  "Sequences in the KV cache that had to go for others.",
                                  {{"model", model}})),
      kept_(registry.gauge("hearth_prefix_sequences", "Sequences kept for later prompts.",
                           {{"model", model}})),
      pinned_(
          registry.gauge("hearth_prefix_pins", "Prefixes that are pinned.", {{"model", model}})),
      cells_(registry.gauge("hearth_kv_cells", "Tokens that the KV cache holds at most.",
                            {{"model", model}})),
      cells_used_(registry.gauge("hearth_kv_cells_used", "Tokens that the KV cache holds.",
                                 {{"model", model}})) {
  const char* const kNames[kLimits] = {"none", "fixed", "tiny_model", "neighbours", "engines"};
  for (std::size_t i = 0; i < kLimits; ++i)
    limits_[i] = &registry.gauge("hearth_engine_threads_limit",
                                 "1 for what decides how many threads the engine has.",
                                 {{"model", model}, {"by", kNames[i]}});
}

void EngineInstruments::note(const engine::StatsReply& stats) {
  MutexLock lock(mutex_);
  note(stats.cores, before_.cores);
  note(stats.prefixes, before_.prefixes);
  cells_.set(stats.kv_cells);
  cells_used_.set(stats.kv_cells_used);
  before_ = stats;
}

void EngineInstruments::note(const engine::PrefixUse& use, const engine::PrefixUse& before) {
  hits_.add(growth(before.hits, use.hits));
  misses_.add(growth(before.misses, use.misses));
  evictions_.add(growth(before.evictions, use.evictions));
  kept_.set(use.kept);
  pinned_.set(use.pinned);
}

void EngineInstruments::note(const engine::CoreUse& use, const engine::CoreUse& before) {
  threads_.set(use.threads);
  cores_.set(use.cores);
  engines_.set(use.engines);
  shares_.set(use.shares ? 1 : 0);
  neighbour_cores_.set(static_cast<double>(use.neighbour_cores));
  denied_seconds_.set(static_cast<double>(use.denied_us) / 1e6);
  downs_.add(growth(before.downs, use.downs));
  ups_.add(growth(before.ups, use.ups));
  for (std::size_t i = 0; i < kLimits; ++i)
    limits_[i]->set(i == static_cast<std::size_t>(use.limit) ? 1 : 0);
}

}  // namespace hearth::model::local
