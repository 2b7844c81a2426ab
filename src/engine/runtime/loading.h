#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/frames.h"
#include "engine/runtime/machine.h"
#include "engine/runtime/row_groups.h"
#include "llama-cpp.h"

namespace hearth::engine {

/// A model in memory and how it is to be run. Immutable once loaded; any thread may read it.
struct LoadedModel {
  llama_model_ptr model;
  ModelFacts facts;
  std::uint32_t context_tokens = 0;
  std::uint32_t slots = 0;
  std::uint32_t threads = 0;  // the most that a step has
  std::uint32_t cores = 1;    // that this process may use
  bool threads_fixed = false;
  std::string core_board{};
  std::uint32_t prefill_chunk_tokens = 0;
  KvType kv_type = KvType::F16;
  bool causal = true;  // false: an encoder such as BERT
  bool can_generate = true;
  bool can_embed = false;
  bool can_cut = true;           // see Sequences::Limits
  bool batch_invariant = false;  // see Loaded
  std::string batch_variance{};  // why not, for people; empty if it is
  bool unpacked = false;         // weights were kept from being repacked
  RowGroups row_groups{};
  bool suppresses_tokens = false;
  std::vector<llama_token> end_tokens{};  // any of them ends a generation

  const llama_vocab* vocab() const { return llama_model_get_vocab(model.get()); }
  std::int32_t vocabulary() const { return llama_vocab_n_tokens(vocab()); }
  /// The bytes of a token, maybe part of a character. `special`: also of special tokens, which
  /// otherwise have none.
  std::string piece(llama_token token, bool special) const;
};

/// Loads `load.path`, or the model inside this binary. Everything that can be known to go wrong is
/// refused before a byte of weights is read. With LoadOptions::deterministic, so is what cannot be
/// batch invariant. `on_progress` gets 0..1; when it returns false,
/// loading ends with Cancelled. Errors: those of read_model_facts; InvalidInput (options, each with
/// its field), TooLarge (memory), Unavailable (llama.cpp refused the file), Cancelled.
Result<LoadedModel> load_model(const Load& load, const Machine& machine,
                               const std::function<bool(float)>& on_progress);

/// A context that generates. `cells`: of its KV cache; 0: context_tokens x slots.
/// Errors: Unavailable (no memory, or llama.cpp refuses the model's shape).
Result<llama_context_ptr> make_generating_context(const LoadedModel& model, std::uint32_t sequences,
                                                  std::uint32_t cells = 0);

/// Tokens of `text`. Errors: TooLarge.
Result<std::vector<llama_token>> tokenize(const llama_vocab* vocab, std::string_view text,
                                          bool add_special, bool parse_special);
/// Text of `tokens`, special ones written out, as valid UTF-8. Errors: InvalidInput (a token
/// outside the vocabulary).
Result<std::string> detokenize(const llama_vocab* vocab, const std::vector<llama_token>& tokens);
/// Errors: InvalidInput (`field`: a token outside the vocabulary).
Result<void> check_tokens(const llama_vocab* vocab, const std::vector<llama_token>& tokens,
                          const std::string& field);

}  // namespace hearth::engine
