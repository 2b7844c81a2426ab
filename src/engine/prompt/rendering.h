#pragma once
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "chat.h"
#include "engine/prompt/format_cache.h"
#include "engine/prompt/landmarks.h"
#include "engine/prompt/span_tokenizer.h"
#include "engine/prompt/special_tokens.h"
#include "engine/prompt/template_input.h"
#include "engine/schema/stand_ins.h"
#include "llama.h"

namespace hearth::engine {

/// How a conversation is to be rendered.
struct RenderOptions {
  bool thinking = true;
  common_chat_tool_choice tool_choice = COMMON_CHAT_TOOL_CHOICE_AUTO;
  bool tools_in_text = false;  // the template knows no tools: see describe_tools_in_text()
  std::string json_schema{};   // of the answer; empty: none
  // What the grammar is made of instead of schemas; the prompt shows the schemas. May be null.
  const StandIns* tool_stand_ins = nullptr;   // one for each tool of the conversation
  const StandIns* answer_stand_in = nullptr;  // for json_schema
  std::chrono::system_clock::time_point now{};
};

/// A model's chat template, and prompts made with it in which nothing from a request is special.
/// Any number of threads. What it borrows must outlive it.
class Rendering {
 public:
  /// Errors of the template itself are kept for apply().
  Rendering(const llama_model* model, const std::string& chat_template,
            const SpecialTokens& specials);

  /// llama-common's work on one conversation as it is: prompt text, grammar, parser.
  /// Errors: Corrupt (the template does not parse), InvalidInput ("messages": the template
  /// refuses).
  Result<common_chat_params> apply(const chat::Conversation& conversation,
                                   const RenderOptions& options, const TextFilter& filter) const;

  /// What apply() would give for a conversation whose answer begins so, but for its prompt, if that
  /// is known already. A template that refuses this conversation is not noticed.
  std::optional<common_chat_params> known(const chat::Conversation& conversation,
                                          const RenderOptions& options,
                                          const std::string& generation_prompt) const;

  /// The prompt, and what in it begins the answer, alone of what apply() gives. Errors: those of
  /// apply().
  Result<FormatCache::Rendered> render(const chat::Conversation& conversation,
                                       const RenderOptions& options,
                                       const TextFilter& filter) const;
  /// The prompt alone. Errors: those of apply().
  Result<std::string> prompt(const chat::Conversation& conversation, const RenderOptions& options,
                             const TextFilter& filter) const;

  /// The prompt that apply() or prompt() gave for this conversation and these options, with what a
  /// request brought kept apart from what the template says. Errors: those of apply().
  Result<MaskedText> masked(const chat::Conversation& conversation, const RenderOptions& options,
                            const std::string& rendered) const;

  /// False for the plain form of models without template and vocabulary for one.
  bool has_template() const { return has_template_; }
  /// True if the template itself shows tools and llama-common can read its calls.
  bool knows_tools() const { return knows_tools_; }
  /// True if calls in the template's form have arguments in JSON, so that stand-ins find their
  /// place. Others put each argument between tags.
  bool writes_json_arguments() const { return writes_json_arguments_; }
  /// What is shown nowhere behind an answer: whatever tools there are, if there are any, and
  /// whatever the instructions say, the same stands there. Tried out when first asked.
  Landmarks::Early early() const;

 private:
  Result<std::optional<MaskedText>> marked(const chat::Conversation& conversation,
                                           const RenderOptions& options,
                                           const std::string& rendered) const;
  template <class Work>
  auto with_templates(Work&& work) const -> Result<std::invoke_result_t<Work, FormatCache&>>;
  Result<common_chat_params> probe(const StandIns* stand_ins) const;
  bool probe_tools() const;
  bool probe_json_arguments() const;
  Landmarks::Early probe_early() const;

  const SpecialTokens& specials_;
  SpanTokenizer tokenizer_;
  common_chat_templates_ptr templates_{};
  std::string problem_{};  // why there is no template
  bool has_template_ = true;
  bool knows_tools_ = false;
  bool writes_json_arguments_ = false;
  mutable std::once_flag early_tried_{};
  mutable Landmarks::Early early_{};
  // llama-common formats dates with std::localtime, whose buffer is shared.
  mutable Mutex rendering_;
  mutable std::optional<FormatCache> formats_ GUARDED_BY(rendering_);  // with templates_
};

}  // namespace hearth::engine
