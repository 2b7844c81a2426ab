#include "model/local/instruments.h"

namespace hearth::model::local {
namespace {

std::vector<double> first_token_bounds() {
  return {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60};
}
std::vector<double> between_tokens_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60};
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
                              {{"model", model}})) {}

void Instruments::set_load(std::size_t running, std::size_t waiting) {
  running_.set(static_cast<double>(running));
  waiting_.set(static_cast<double>(waiting));
}

void Instruments::count_started(const chat::Started& started) {
  prompt_tokens_.add(started.prompt_tokens);
  reused_tokens_.add(started.cached_tokens);
  computed_tokens_.add(started.prompt_tokens - started.cached_tokens);
}

void Instruments::count_finished(const chat::Finished& finished) {
  completion_tokens_.add(finished.usage.completion_tokens);
  const chat::Timings& timings = finished.timings;
  accepted_drafts_.add(timings.accepted_tokens);
  rejected_drafts_.add(timings.drafted_tokens - timings.accepted_tokens);
  forced_tokens_.add(timings.forced_tokens);
}

}  // namespace hearth::model::local
