#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "engine/prompt/prompt_builder.h"
#include "engine/runtime/loading.h"
#include "sampling.h"

namespace hearth::engine {

/// Chooses the tokens of one generation, with its own random numbers. Scheduler thread.
class Sampler {
 public:
  /// Checks what the request asks for. `seed`: for this generation alone.
  /// Errors: InvalidInput ("logit_bias", "grammar", "response_format", a sampling field out of
  /// range).
  static Result<Sampler> make(const LoadedModel& model, const chat::Request& request,
                              const PreparedPrompt& prompt, std::uint32_t seed);

  /// The next token from output `index` of the last batch. It counts as said from now on.
  /// Errors: InvalidInput (the grammar allows no token).
  Result<llama_token> sample(llama_context* context, std::int32_t index);

 private:
  Sampler() = default;
  std::vector<llama_token> forbidden_{};  // of a plain greedy choice
  std::int32_t vocabulary_ = 0;
  common_sampler_ptr chain_{};  // null: plain greedy, which needs only the largest logit
};

/// The chosen token and the `top` likeliest, under the model's own distribution (softmax of the raw
/// logits, in double). `logits`: one row of the vocabulary.
chat::TokenChoice describe_choice(const LoadedModel& model, const float* logits, llama_token chosen,
                                  std::uint32_t top);

}  // namespace hearth::engine
