#include "engine/runtime/lookup.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hearth::engine {
namespace {

constexpr std::uint32_t kSlotsMin = 256, kSlotsMax = 1 << 20;

/// How many of the tokens before `a` and `b` agree, at most Lookup::kMatchMax.
std::uint32_t agreement(std::span<const llama_token> text, std::uint32_t a, std::uint32_t b) {
  const std::uint32_t max = std::min(Lookup::kMatchMax, std::min(a, b));
  std::uint32_t length = 0;
  while (length < max && text[a - 1 - length] == text[b - 1 - length]) ++length;
  return length;
}

}  // namespace

Lookup::Lookup(std::uint32_t tokens_max)
    : latest_(std::bit_ceil(std::clamp(tokens_max, kSlotsMin, kSlotsMax)), kNone) {}

std::uint32_t Lookup::slot_of(std::span<const llama_token> text, std::uint32_t end) const {
  const auto first = static_cast<std::uint64_t>(static_cast<std::uint32_t>(text[end - 2]));
  const auto second = static_cast<std::uint32_t>(text[end - 1]);
  // Fibonacci hashing; whoever looks compares the tokens.
  const std::uint64_t mixed = ((first << 32) | second) * 0x9E3779B97F4A7C15u;
  return static_cast<std::uint32_t>(mixed >> 40) & static_cast<std::uint32_t>(latest_.size() - 1);
}

/// All ends but the last, which is what is looked for.
void Lookup::index(std::span<const llama_token> text) {
  while (before_.size() < text.size()) {
    const auto end = static_cast<std::uint32_t>(before_.size());
    if (end < kMatchMin) {
      before_.push_back(kNone);
      continue;
    }
    std::uint32_t& latest = latest_[slot_of(text, end)];
    before_.push_back(latest);
    latest = end;
  }
}

Lookup::Guess Lookup::draft(std::span<const llama_token> text, std::uint32_t count) {
  index(text);
  const auto size = static_cast<std::uint32_t>(text.size());
  if (size < kMatchMin || count == 0) return {};
  std::uint32_t best_end = 0, best_length = kMatchMin - 1;
  std::uint32_t end = latest_[slot_of(text, size)];
  for (std::uint32_t i = 0; i < kCandidatesMax && end != kNone; ++i, end = before_[end]) {
    const std::uint32_t length = agreement(text, end, size);
    if (length <= best_length) continue;
    best_length = length;
    best_end = end;
  }
  if (best_length < kMatchMin) return {};
  std::vector<llama_token> draft;
  // A copy that runs into the end of the text goes on with itself: the text repeats.
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t from = best_end + i;
    draft.push_back(from < size ? text[from] : draft[from - size]);
  }
  return {.tokens = std::move(draft), .match = best_length};
}

}  // namespace hearth::engine
