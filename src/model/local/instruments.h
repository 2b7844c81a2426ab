#pragma once
#include <string>

#include "chat/generation.h"
#include "metrics/metrics.h"

namespace hearth::model::local {

/// The metrics of one local model. Any thread.
class Instruments {
 public:
  Instruments(metrics::Registry& registry, const std::string& model);

  void set_load(std::size_t running, std::size_t waiting);
  void count_started(const chat::Started& started);
  void count_finished(const chat::Finished& finished);

  metrics::Counter& requests;
  metrics::Counter& refused;  // Busy
  metrics::Counter& failed;
  metrics::Counter& restarts;
  metrics::Histogram& first_token_seconds;
  metrics::Histogram& between_tokens_seconds;

 private:
  metrics::Counter& prompt_tokens_;
  metrics::Counter& reused_tokens_;
  metrics::Counter& computed_tokens_;
  metrics::Counter& completion_tokens_;
  metrics::Counter& accepted_drafts_;
  metrics::Counter& rejected_drafts_;
  metrics::Counter& forced_tokens_;
  metrics::Gauge& running_;
  metrics::Gauge& waiting_;
};

}  // namespace hearth::model::local
