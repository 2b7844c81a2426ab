#include "engine/runtime/trace.h"

#include <algorithm>

namespace hearth::engine {

chat::Trace trace_of(const GenerateJob& job, const std::vector<llama_token>& tokens,
                     std::size_t count) {
  const PreparedPrompt& prompt = job.prompt;
  if (!job.request.trace) return {};
  const auto from = tokens.begin() + static_cast<std::ptrdiff_t>(prompt.seen_tokens);
  const auto to = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(tokens.size(), count));
  return {.tokens = {from, to},
          .follows_seen = prompt.seen_tokens > 0,
          .tail_begin = prompt.tail_tokens > 0 ? prompt.tail_begin - prompt.seen_tokens : 0,
          .tail_tokens = prompt.tail_tokens,
          .border_tokens = prompt.border_tokens};
}

chat::Trace trace_of(const llama_vocab* vocab, const GenerateJob& job,
                     const std::vector<llama_token>& tokens, std::uint32_t answered,
                     chat::FinishReason reason, llama_token last) {
  const bool ended = llama_vocab_is_eog(vocab, last) && !job.request.ignore_eos;
  const bool cut = !ended && reason != chat::FinishReason::Length;
  if (!job.request.trace || cut || answered == 0) return {};
  chat::Trace trace = trace_of(job, tokens, job.prompt.tokens.size() + answered - 1);
  if (!ended) trace.tokens.push_back(last);
  return trace;
}

}  // namespace hearth::engine
