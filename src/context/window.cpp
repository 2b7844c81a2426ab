#include "context/window.h"

#include <algorithm>

#include "context/history.h"

namespace hearth::context {
namespace {

bool is_shown(const store::Entry& entry) { return entry.message.role != chat::Role::System; }

/// Whether everything before this entry may go.
bool begins_turn(const std::vector<store::Entry>& entries, std::size_t at) {
  if (entries[at].message.role != chat::Role::User || at == 0) return false;
  const store::Entry& before = entries[at - 1];
  return is_shown(before) && before.turn != entries[at].turn;
}

}  // namespace

std::uint32_t history_budget(const Window& window, std::uint32_t context_tokens,
                             std::uint32_t static_tokens) {
  const std::uint32_t taken = static_tokens + Window::kTailTokensMax + context_tokens / 4;
  const std::uint32_t left = context_tokens > taken ? context_tokens - taken : 0;
  return std::min(window.history_tokens_max, left);
}

bool is_filling(std::uint32_t history_tokens, std::uint32_t budget) {
  return std::uint64_t{history_tokens} * 100 >= std::uint64_t{budget} * Window::kCompactPercent;
}

std::optional<std::uint32_t> cut_before(const std::vector<store::Entry>& entries,
                                        const Window& window, std::uint32_t tokens,
                                        std::uint32_t budget) {
  std::uint64_t estimated = 0;
  for (const store::Entry& entry : entries)
    if (is_shown(entry)) estimated += estimated_tokens(entry);
  if (estimated == 0) return std::nullopt;
  // The sum is known better than its parts: these are scaled to it.
  const std::uint64_t most = std::uint64_t{budget} * Window::kRecentPercent / 100;
  std::optional<std::uint32_t> cut;
  std::uint64_t kept = 0;
  std::uint32_t messages = 0;
  for (std::size_t at = entries.size(); at-- > 0;) {
    if (!is_shown(entries[at])) continue;
    kept += estimated_tokens(entries[at]);
    ++messages;
    const bool fits = messages <= window.recent_messages_max && kept * tokens / estimated <= most;
    if (!fits && cut) break;
    if (begins_turn(entries, at)) cut = entries[at].number;
    if (!fits && cut) break;
  }
  return cut;
}

}  // namespace hearth::context
