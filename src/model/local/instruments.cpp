#include "model/local/instruments.h"

namespace hearth::model::local {
namespace {

std::vector<double> first_token_bounds() {
  return {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60};
}
std::vector<double> between_tokens_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60};
}

/// An engine that counts backwards is not believed.
void add_growth(metrics::Counter& counter, std::uint64_t now, std::uint64_t before) {
  if (now > before) counter.add(now - before);
}

}  // namespace

Instruments::Instruments(metrics::Registry& registry, const std::string& model)
    : requests(registry.counter("hearth_requests_total", "Generations that were accepted.",
                                {{"model", model}})),
      refused(registry.counter("hearth_requests_refused_total",
                               "Generations refused because too many waited.", {{"model", model}})),
      failed(registry.counter("hearth_requests_failed_total",
                              "Accepted generations that failed, other than by cancelling.",
                              {{"model", model}})),
      restarts(registry.counter("hearth_engine_restarts_total",
                                "Starts of an engine after its first.", {{"model", model}})),
      first_token_seconds(registry.histogram("hearth_time_to_first_token_seconds",
                                             "From accepting a request to its first output.",
                                             first_token_bounds(), {{"model", model}})),
      between_tokens_seconds(registry.histogram("hearth_inter_token_seconds",
                                                "Between two outputs of one request.",
                                                between_tokens_bounds(), {{"model", model}})),
      prompt_tokens_(registry.counter("hearth_prompt_tokens_total",
                                      "Tokens of all prompts that were started.",
                                      {{"model", model}})),
      reused_tokens_(registry.counter("hearth_prefill_tokens_total",
                                      "Prompt tokens, computed or taken from the cache.",
                                      {{"model", model}, {"reused", "true"}})),
      computed_tokens_(registry.counter("hearth_prefill_tokens_total",
                                        "Prompt tokens, computed or taken from the cache.",
                                        {{"model", model}, {"reused", "false"}})),
      completion_tokens_(registry.counter("hearth_completion_tokens_total",
                                          "Tokens of all answers that were finished.",
                                          {{"model", model}})),
      accepted_drafts_(registry.counter("hearth_draft_tokens_total",
                                        "Tokens computed on trial because they were said before.",
                                        {{"model", model}, {"accepted", "true"}})),
      rejected_drafts_(registry.counter("hearth_draft_tokens_total",
                                        "Tokens computed on trial because they were said before.",
                                        {{"model", model}, {"accepted", "false"}})),
      forced_tokens_(registry.counter("hearth_forced_tokens_total",
                                      "Tokens said without sampling: a grammar left no choice.",
                                      {{"model", model}})),
      running_(registry.gauge("hearth_requests_running", "Generations that have a slot.",
                              {{"model", model}})),
      waiting_(registry.gauge("hearth_requests_waiting", "Generations that wait for a slot.",
                              {{"model", model}})),
      snapshots_saved_(registry.counter("hearth_kv_snapshot_saved_total",
                                        "Pieces of KV state written to disk.", {{"model", model}})),
      snapshots_restored_(registry.counter("hearth_kv_snapshot_restored_total",
                                           "Pieces of KV state brought back from disk.",
                                           {{"model", model}})),
      snapshots_refused_(registry.counter("hearth_kv_snapshot_refused_total",
                                          "Damaged or foreign files that were removed.",
                                          {{"model", model}})),
      snapshots_skipped_(registry.counter("hearth_kv_snapshot_skipped_total",
                                          "Pieces that were not written: too much waited, or the "
                                          "disk did not take them.",
                                          {{"model", model}})),
      snapshots_evicted_(registry.counter("hearth_kv_snapshot_evicted_total",
                                          "Files removed to stay within cache.disk_bytes_max.",
                                          {{"model", model}})),
      snapshot_tokens_restored_(registry.counter("hearth_kv_snapshot_restored_tokens_total",
                                                 "Prompt tokens that were brought back instead of "
                                                 "being computed.",
                                                 {{"model", model}})),
      snapshot_bytes_(registry.gauge("hearth_kv_snapshot_bytes",
                                     "Bytes of all files with KV state, of every model.",
                                     {{"model", model}})),
      snapshot_files_(registry.gauge("hearth_kv_snapshot_files",
                                     "Files with KV state, of every model.", {{"model", model}})) {}

void Instruments::set_load(std::size_t running, std::size_t waiting) {
  running_.set(static_cast<double>(running));
  waiting_.set(static_cast<double>(waiting));
}

void Instruments::count_started(const chat::Started& started) {
  prompt_tokens_.add(started.prompt_tokens);
  reused_tokens_.add(started.cached_tokens);
  computed_tokens_.add(started.prompt_tokens - started.cached_tokens);
}

void Instruments::begin_engine() { counted_ = {}; }

void Instruments::count_snapshots(const engine::SnapshotStats& stats) {
  add_growth(snapshots_saved_, stats.saved, counted_.saved);
  add_growth(snapshots_restored_, stats.restored, counted_.restored);
  add_growth(snapshots_refused_, stats.refused, counted_.refused);
  add_growth(snapshots_skipped_, stats.skipped, counted_.skipped);
  add_growth(snapshots_evicted_, stats.evicted, counted_.evicted);
  add_growth(snapshot_tokens_restored_, stats.restored_tokens, counted_.restored_tokens);
  snapshot_bytes_.set(static_cast<double>(stats.bytes));
  snapshot_files_.set(static_cast<double>(stats.files));
  counted_ = stats;
}

void Instruments::count_finished(const chat::Finished& finished) {
  completion_tokens_.add(finished.usage.completion_tokens);
  const chat::Timings& timings = finished.timings;
  accepted_drafts_.add(timings.accepted_tokens);
  rejected_drafts_.add(timings.drafted_tokens - timings.accepted_tokens);
  forced_tokens_.add(timings.forced_tokens);
}

}  // namespace hearth::model::local
