#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/grammar/compiled_grammar.h"
#include "engine/prompt/prompt_builder.h"
#include "engine/runtime/loading.h"

namespace hearth::engine {

/// What one generation's grammar still allows. A lazy grammar sleeps until one of its triggers was
/// said; asleep it allows everything. Scheduler thread. The model and the cache must outlive it.
class Constraint {
 public:
  /// `prompt.grammar` must not be empty. What the prompt's end says already counts as said.
  /// Errors: InvalidInput (does not parse, or does not fit the prompt's end; without a field).
  static Result<std::unique_ptr<Constraint>> make(const LoadedModel& model,
                                                  const PreparedPrompt& prompt,
                                                  GrammarCache& cache);
  ~Constraint();
  Constraint(const Constraint&) = delete;
  Constraint& operator=(const Constraint&) = delete;

  /// True if the grammar rules now: it is not asleep, and the model is not thinking.
  bool is_awake() const;
  /// Cheap. True for everything while asleep.
  bool allows(llama_token token);
  /// All tokens that may come next. Only while awake. Good until the next call.
  const TokenSet& allowed();
  /// The token was said. Errors: InvalidInput (it is not allowed).
  Result<void> accept(llama_token token);

  /// The tokens that spell what must come next, as the model's own tokenizer writes it; none where
  /// there is a choice. A word, space or bracket at its very end is left to the model, which may
  /// want to say it in one token with what follows. A pure function of what was accepted.
  std::vector<llama_token> forced();
  /// True if nothing but the end may come.
  bool is_over();

 private:
  explicit Constraint(const LoadedModel& model) : model_(model) {}
  Result<void> begin(const PreparedPrompt& prompt, GrammarCache& cache);
  Result<void> read_prompt_end(const PreparedPrompt& prompt);
  void take(llama_token token);  // may throw, as llama.cpp does
  bool is_inside_character() const;
  std::vector<llama_token> spell(const std::string& text) const;

  const LoadedModel& model_;
  std::shared_ptr<CompiledGrammar> compiled_{};  // shared with the cache and others that follow it
  GrammarHandle grammar_{};
  std::unique_ptr<GrammarElements> elements_{};
  llama_sampler_ptr thoughts_{};       // watches for the model's thoughts; null: it has none
  std::unique_ptr<TokenSet> scratch_;  // of positions inside a character, which are not cached
};

}  // namespace hearth::engine
