#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"
#include "common.h"
#include "llama.h"

namespace hearth::engine {

struct OutputSyntax;  // private to this folder: how the model's text is parsed back

/// Everything that one generation needs from its request: what goes in, what may come out, and how
/// what comes out is read. A value; the syntax is shared and immutable.
struct PreparedPrompt {
  /// The prompt, beginning-of-sequence token included if the model wants one. At least one token.
  std::vector<llama_token> tokens;
  /// How many of them lie before the request's cache border; 0: it has none.
  std::uint32_t border_tokens = 0;
  /// How many of them a later prompt of the same conversation begins with, as far as can be told:
  /// all but what begins the answer. Less than all.
  std::uint32_t history_tokens = 0;
  /// How many of them are those of Conversation::seen: all or, where they cannot be used, none.
  std::uint32_t seen_tokens = 0;
  /// Where Conversation::tail stands, and how many tokens it is.
  std::uint32_t tail_begin = 0, tail_tokens = 0;

  /// What of the request's schemas the grammar does not keep: "tools[0].function.parameters.
  /// properties.a.format: …".
  std::vector<std::string> loosened{};

  // The constraint, in the words of common_params_sampling (llama.cpp, common/common.h).
  common_grammar grammar{};   // empty: unconstrained
  bool grammar_lazy = false;  // true: only after one of the triggers
  std::vector<common_grammar_trigger> grammar_triggers{};
  std::set<llama_token> preserved_tokens{};    // see kept_as_text()
  std::string generation_prompt{};             // end of the prompt, already inside the grammar
  std::vector<llama_token> reasoning_start{};  // tags around thoughts, where a lazy grammar
  std::vector<llama_tokens> reasoning_ends{};  // must sleep

  /// Ids of tool calls follow from it where the model gives none; absent: random ids.
  std::optional<std::uint64_t> call_ids{};

  /// Besides Request::stop; what the template says ends an answer.
  std::vector<std::string> additional_stops{};

  /// For OutputParser. Never null.
  std::shared_ptr<const OutputSyntax> syntax;

  /// True if `token`, when generated, is to be turned into text although it is a special token (the
  /// `special` argument of llama_token_to_piece): the parser looks for it.
  bool kept_as_text(llama_token token) const { return preserved_tokens.contains(token); }
};

/// Turns requests into prompts with the model's own chat template.
///
/// Text that a request brings (contents, names, tool descriptions, schemas, results, …) is data: no
/// part of it ever becomes a special token, so it can neither end a turn nor forge one. Only the
/// template's own text is tokenized with special tokens. A prompt without such text in its contents
/// has exactly the tokens that llama_tokenize(parse_special = true) gives.
///
/// Immutable after construction; any number of threads. The model must outlive it.
class PromptBuilder {
 public:
  /// Uses the template in the model file or, when `chat_template` is not empty, that one. A model
  /// without a template gets ChatML if its vocabulary has <|im_start|>, else a plain text form. A
  /// template that does not parse is no error here (text can still be completed), but of prepare().
  explicit PromptBuilder(const llama_model* model, const std::string& chat_template = "");
  ~PromptBuilder();
  PromptBuilder(PromptBuilder&&) noexcept;
  PromptBuilder& operator=(PromptBuilder&&) noexcept;

  /// `now` is the time that templates which print a date see. The default changes once a day, so
  /// that prompts of one day share their prefix.
  ///
  /// Errors, each with the field at fault:
  /// InvalidInput: no messages; text that is not UTF-8; tool arguments or parameters that are not
  ///   JSON; a schema or grammar that is unsupported or does not parse ("response_format",
  ///   "grammar"); `tool_choice` without its tool; a token outside the vocabulary; a conversation
  ///   that the template refuses ("messages").
  /// TooLarge: above a bound of chat/generation.h.
  /// Corrupt: the model's template does not parse.
  Result<PreparedPrompt> prepare(
      const chat::Request& request,
      std::chrono::system_clock::time_point now = start_of_today()) const;

  /// The last local midnight, before now or before `time`.
  static std::chrono::system_clock::time_point start_of_today();
  static std::chrono::system_clock::time_point start_of_day(
      std::chrono::system_clock::time_point time);
  /// The one that deterministic requests see: noon of 1 January 2025 in UTC, the same date in
  /// nearly every time zone.
  static std::chrono::system_clock::time_point fixed_day();

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace hearth::engine
