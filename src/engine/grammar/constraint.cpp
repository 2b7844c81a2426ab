#include "engine/grammar/constraint.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cmath>

#include "engine/prompt/spelling.h"
#include "engine/runtime/guard.h"
#include "llama-grammar.h"  // internal to llama.cpp: see compiled_grammar.cpp
#include "reasoning-budget.h"

namespace hearth::engine {
namespace {

struct Triggers {
  std::vector<std::string> patterns{};
  std::vector<llama_token> tokens{};
};

/// Source: common_sampler_init, common/sampling.cpp, v0.5.0.
Triggers triggers_of(const PreparedPrompt& prompt) {
  Triggers triggers;
  for (const common_grammar_trigger& trigger : prompt.grammar_triggers) {
    const std::string& value = trigger.value;
    switch (trigger.type) {
      case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN: triggers.tokens.push_back(trigger.token); break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_WORD:
        triggers.patterns.push_back(regex_escape(value));
        break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN: triggers.patterns.push_back(value); break;
      case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
        triggers.patterns.push_back((value.starts_with('^') ? "" : "^") + value +
                                    (value.ends_with('$') ? "" : "$"));
        break;
    }
  }
  return triggers;
}

/// All that a grammar is parsed from.
std::string key_of(const PreparedPrompt& prompt, const Triggers& triggers) {
  std::string key = prompt.grammar_lazy ? "lazy\n" : "\n";
  for (const std::string& pattern : triggers.patterns) add_part(key, pattern);
  for (const llama_token token : triggers.tokens) key += std::to_string(token) + ",";
  return key + "\n" + common_grammar_value(prompt.grammar);
}

Result<GrammarHandle> parse(const llama_vocab* vocab, const PreparedPrompt& prompt,
                            const Triggers& triggers) {
  std::vector<const char*> patterns;
  for (const std::string& pattern : triggers.patterns) patterns.push_back(pattern.c_str());
  TRY(llama_grammar* const parsed, guarded(Code::InvalidInput, "the grammar was refused", [&] {
        return llama_grammar_init_impl(vocab, common_grammar_value(prompt.grammar).c_str(), "root",
                                       prompt.grammar_lazy, patterns.data(), patterns.size(),
                                       triggers.tokens.data(), triggers.tokens.size());
      }));
  if (!parsed) return Error{Code::InvalidInput, "the grammar does not parse"};
  return GrammarHandle(parsed);
}

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

/// Without what the model may want to say in one token with the text that follows, as in {" or "
/// 1". A quote behind a word closes it, and is often one token with the colon or comma that comes
/// next.
std::string without_loose_end(std::string text) {
  constexpr std::string_view kOpening = " {[(<\\";
  const std::size_t size = text.size();
  if (text.ends_with('"') && (size == 1 || is_word(text[size - 2]))) {
    text.pop_back();
    return text;
  }
  while (!text.empty() && is_word(text.back())) text.pop_back();
  while (!text.empty() && kOpening.find(text.back()) != std::string_view::npos) text.pop_back();
  return text;
}

}  // namespace

Constraint::~Constraint() = default;

Result<std::unique_ptr<Constraint>> Constraint::make(const LoadedModel& model,
                                                     const PreparedPrompt& prompt,
                                                     GrammarCache& cache) {
  std::unique_ptr<Constraint> made(new Constraint(model));
  TRY(made->compiled_, cache.find(common_grammar_value(prompt.grammar)));
  TRY_VOID(made->begin(prompt, cache));
  TRY_VOID(made->read_prompt_end(prompt));
  return made;
}

Result<void> Constraint::begin(const PreparedPrompt& prompt, GrammarCache& cache) {
  const Triggers triggers = triggers_of(prompt);
  std::string key = key_of(prompt, triggers);
  if (!cache.beginnings().find(key)) {
    TRY(GrammarHandle parsed, parse(model_.vocab(), prompt, triggers));
    cache.beginnings().keep(key, std::move(parsed));
  }
  grammar_.reset(llama_grammar_clone_impl(**cache.beginnings().find(key)));
  elements_ = std::make_unique<GrammarElements>(*grammar_);
  return ok();
}

/// Thoughts matter only to a lazy grammar, which must not be woken by what is said in them.
Result<void> Constraint::read_prompt_end(const PreparedPrompt& prompt) {
  const bool watches =
      prompt.grammar_lazy && !prompt.reasoning_start.empty() && !prompt.reasoning_ends.empty();
  const bool prefills = !prompt.grammar_lazy && common_grammar_needs_prefill(prompt.grammar);
  if (!watches && !prefills) return ok();
  return guarded(Code::InvalidInput, "the grammar does not fit the prompt", [&] {
    if (watches) {
      thoughts_.reset(common_reasoning_budget_init(model_.vocab(), {prompt.reasoning_start},
                                                   prompt.reasoning_ends,
                                                   prompt.reasoning_ends.front(), INT_MAX));
    }
    const std::string& text = prompt.generation_prompt;
    const std::vector<llama_token> tokens = spelled(model_.vocab(), text, true);
    for (const llama_token token : tokens) {
      if (watches) llama_sampler_accept(thoughts_.get(), token);
      if (prefills) llama_grammar_accept_impl(*grammar_, token);
    }
    const std::size_t read = text_of(model_.vocab(), tokens, true).size();
    if (prefills && read < text.size()) llama_grammar_accept_str(*grammar_, text.substr(read));
  });
}

bool Constraint::is_awake() const {
  if (grammar_->awaiting_trigger) return false;
  if (!thoughts_) return true;
  const auto state = common_reasoning_budget_get_state(thoughts_.get());
  return state == REASONING_BUDGET_IDLE || state == REASONING_BUDGET_DONE;
}

bool Constraint::is_inside_character() const { return grammar_->partial_utf8.n_remain != 0; }

bool Constraint::allows(llama_token token) {
  if (!is_awake()) return true;
  llama_token_data data{token, 1.0f, 0.0f};
  llama_token_data_array array{&data, 1, -1, false};
  llama_grammar_apply_impl(*grammar_, &array);
  return data.logit != -INFINITY;
}

const TokenSet& Constraint::allowed() {
  if (!is_inside_character()) return compiled_->allowed(elements_->position(*grammar_));
  const std::int32_t vocabulary = model_.vocabulary();
  std::vector<llama_token_data> data;
  for (llama_token token = 0; token < vocabulary; ++token) data.push_back({token, 0.0f, 0.0f});
  llama_token_data_array array{data.data(), data.size(), -1, false};
  llama_grammar_apply_impl(*grammar_, &array);
  scratch_ = std::make_unique<TokenSet>(static_cast<std::uint32_t>(vocabulary));
  for (const llama_token_data& item : data) {
    if (item.logit != -INFINITY) scratch_->insert(item.id);
  }
  return *scratch_;
}

Result<void> Constraint::accept(llama_token token) {
  // llama.cpp ends the process at an end token out of place.
  if (!allows(token)) return Error{Code::InvalidInput, "the grammar allows no further token"};
  return guarded(Code::InvalidInput, "the grammar allows no further token", [&] { take(token); });
}

/// Source: common_sampler_accept, common/sampling.cpp, v0.5.0.
void Constraint::take(llama_token token) {
  if (!thoughts_) return llama_grammar_accept_impl(*grammar_, token);
  const auto thinks = [this] {
    const auto state = common_reasoning_budget_get_state(thoughts_.get());
    return state != REASONING_BUDGET_IDLE && state != REASONING_BUDGET_DONE;
  };
  const bool was_thinking = thinks();
  llama_sampler_accept(thoughts_.get(), token);
  if (!was_thinking) return llama_grammar_accept_impl(*grammar_, token);
  if (common_reasoning_budget_get_state(thoughts_.get()) != REASONING_BUDGET_DONE) return;
  // The end of the thoughts may be what the grammar waits for.
  const llama_tokens* end = common_reasoning_budget_get_end_match(thoughts_.get());
  if (!end) return;
  for (const llama_token said : *end) llama_grammar_accept_impl(*grammar_, said);
}

std::vector<llama_token> Constraint::forced() {
  if (!is_awake() || is_inside_character()) return {};
  CompiledGrammar::Forced forced = compiled_->forced(elements_->position(*grammar_));
  if (!forced.ends) forced.text = without_loose_end(std::move(forced.text));
  return forced.text.empty() ? std::vector<llama_token>{} : spell(forced.text);
}

bool Constraint::is_over() {
  if (!is_awake() || is_inside_character()) return false;
  const auto is_empty = [](const llama_grammar_stack& stack) { return stack.empty(); };
  return std::all_of(grammar_->stacks.begin(), grammar_->stacks.end(), is_empty);
}

/// Text that looks like a special token is the model's own to say, as the token or as text.
std::vector<llama_token> Constraint::spell(const std::string& text) const {
  std::vector<llama_token> tokens = spelled(model_.vocab(), text, false);
  return tokens == spelled(model_.vocab(), text, true) ? tokens : std::vector<llama_token>();
}

}  // namespace hearth::engine
