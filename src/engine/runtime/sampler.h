#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "engine/grammar/constraint.h"
#include "engine/prompt/prompt_builder.h"
#include "engine/runtime/loading.h"
#include "sampling.h"

namespace hearth::engine {

/// Chooses the tokens of one generation, with its own random numbers. Scheduler thread. Model and
/// cache must outlive it.
class Sampler {
 public:
  /// Checks what the request asks for. `seed`: for this generation alone.
  /// Errors: InvalidInput ("logit_bias", "grammar", "response_format", a sampling field out of
  /// range).
  static Result<Sampler> make(const LoadedModel& model, const chat::Request& request,
                              const PreparedPrompt& prompt, std::uint32_t seed,
                              GrammarCache& grammars);

  /// The next token, by one row of logits. It counts as said from now on.
  /// Errors: InvalidInput (the grammar allows no token).
  Result<llama_token> sample(const float* logits);

  /// Tokens that must come next because the grammar leaves no choice, to be passed to accept() one
  /// by one; the end token if nothing else may come. Empty where there is a choice, and always
  /// where the request needs a row of logits for each token.
  std::vector<llama_token> forced();
  /// A forced token was said. Errors: InvalidInput (the grammar does not allow it).
  Result<void> accept(llama_token token);

 private:
  Sampler() = default;
  Result<void> constrain(const LoadedModel& model, const chat::Request& request,
                         const PreparedPrompt& prompt, GrammarCache& grammars);
  llama_token greedy(const float* logits, const TokenSet* allowed) const;
  llama_token choose(const float* logits, const TokenSet* allowed);

  std::vector<llama_token> forbidden_{};  // of a plain greedy choice
  std::int32_t vocabulary_ = 0;
  common_sampler_ptr chain_{};  // null: plain greedy, which needs only the largest logit
  std::vector<llama_token_data> candidates_{};
  std::unique_ptr<Constraint> constraint_{};  // null: anything may be said
  bool forces_ = false;
  llama_token end_token_ = LLAMA_TOKEN_NULL;  // null: the answer must not end by itself
};

/// The chosen token and the `top` likeliest, under the model's own distribution (softmax of the raw
/// logits, in double). `logits`: one row of the vocabulary.
chat::TokenChoice describe_choice(const LoadedModel& model, const float* logits, llama_token chosen,
                                  std::uint32_t top);

}  // namespace hearth::engine
