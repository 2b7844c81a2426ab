#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "chat.h"
#include "engine/runtime/recent.h"

namespace hearth::engine {

/// common_chat_templates_apply() for many conversations with the same tools and form of answer. For
/// most templates that function finds out anew each time, with dozens of renderings, how answers
/// are written: their grammar, their parser, their triggers. None of it depends on the messages but
/// through the words that begin an answer (llama.cpp, common/chat-auto-parser-generator.cpp), so it
/// is kept under those and what was asked for. Templates that llama-common has code of their own
/// for are left to it. One thread at a time; the templates must outlive it.
class FormatCache {
 public:
  static constexpr std::size_t kEntriesMax = 16;
  static constexpr std::size_t kKeyBytesMax = 256 * 1024;  // of tools and schema; longer: not kept

  explicit FormatCache(const common_chat_templates* templates);

  /// Gives, and throws, what common_chat_templates_apply() would: the prompt after `shown`, the
  /// rest after `inputs`, which differ in nothing but schemas.
  common_chat_params apply(const common_chat_templates_inputs& inputs,
                           const common_chat_templates_inputs& shown);
  common_chat_params apply(const common_chat_templates_inputs& inputs) {
    return apply(inputs, inputs);
  }

  struct Rendered {
    std::string prompt{}, generation_prompt{};
  };
  /// These two alone of what apply() gives; throws alike.
  Rendered render(const common_chat_templates_inputs& inputs) const;

  /// What apply() would give for a conversation whose answer begins so, but for its prompt.
  /// Nothing: it has not seen such a one, or the template is left to llama-common.
  std::optional<common_chat_params> find(const common_chat_templates_inputs& inputs,
                                         const std::string& generation_prompt);

  /// Calls that found a format, since the start.
  std::uint64_t hits() const { return hits_; }

 private:
  bool knows(const common_chat_templates_inputs& inputs) const;

  const common_chat_templates* const templates_;
  const bool is_general_;  // no template has code of its own in llama-common
  Recent<common_chat_params> formats_{kEntriesMax};  // without prompts
  std::uint64_t hits_ = 0;
};

}  // namespace hearth::engine
