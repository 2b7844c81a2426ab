#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "store/transcript.h"

namespace hearth::context {

/// How much of a conversation the model is shown. Tokens are those of its own tokenizer.
struct Window {
  std::uint32_t history_tokens_max = 8'000;
  std::uint32_t recent_messages_max = 20;  // that stay as they were said when older ones go

  static constexpr std::uint32_t kTailTokensMax = 256;
  static constexpr std::uint32_t kCompactPercent = 80;  // of the budget: older messages go in time
  static constexpr std::uint32_t kRecentPercent = 50;   // of the budget: what stays at most
};

/// What a model that holds `context_tokens` has for the history: less what the prompt begins with,
/// the tail, and a quarter for the answer. 0: nothing is left.
std::uint32_t history_budget(const Window& window, std::uint32_t context_tokens,
                             std::uint32_t static_tokens);

/// Older messages should go.
bool is_filling(std::uint32_t history_tokens, std::uint32_t budget);

/// The number of the first message that stays when older ones go: as many turns as the window and
/// kRecentPercent of the budget allow, the last one in any case, but not all. It begins a turn with
/// what a person said, so that no call is parted from its result. `entries` are what is shown,
/// `tokens` how many tokens that is. Absent: nothing can go.
std::optional<std::uint32_t> cut_before(const std::vector<store::Entry>& entries,
                                        const Window& window, std::uint32_t tokens,
                                        std::uint32_t budget);

}  // namespace hearth::context
