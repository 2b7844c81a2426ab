#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/generation.h"

namespace hearth::api {

inline constexpr std::uint32_t kToolCallsMax =
    128;  // of one answer; what an engine claims beyond is dropped

/// One generation of an answer, as far as it has come.
struct Choice {
  std::uint32_t index = 0;
  bool counts_prompt = true;  // false for all but the first of several answers to one prompt
  std::string echo{};         // text that comes before the answer (completions with echo)
  chat::Started started{};
  std::optional<chat::Finished> finished{};
  std::uint32_t characters = 0;  // of text so far, echo included

  // Kept only for answers that are sent whole.
  chat::Message message{chat::Role::Assistant, "", "", {}, "", ""};
  std::optional<std::vector<chat::TokenChoice>> logprobs{};

  /// What it breaks of schemas that were loosened; see AnswerCheck.
  std::vector<std::string> violations{};
};

/// Adds what came to a choice that is sent whole.
void absorb(Choice& choice, const chat::Delta& delta);
/// Unicode characters in UTF-8 text.
std::uint32_t count_characters(std::string_view text);

}  // namespace hearth::api
