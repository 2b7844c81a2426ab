#pragma once
#include <cstdint>
#include <list>
#include <string>

#include "chat.h"

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

  /// The prompt alone of what apply() gives; throws alike.
  std::string prompt(const common_chat_templates_inputs& inputs) const;

  /// Calls that found a format, since the start.
  std::uint64_t hits() const { return hits_; }

 private:
  struct Entry {
    std::string key;
    common_chat_params params;  // without prompt
  };
  bool knows(const common_chat_templates_inputs& inputs) const;
  const common_chat_params* find(const std::string& key);
  void keep(std::string key, common_chat_params params);

  const common_chat_templates* const templates_;
  const bool is_general_;     // no template has code of its own in llama-common
  std::list<Entry> entries_;  // last used first
  std::uint64_t hits_ = 0;
};

}  // namespace hearth::engine
