#include "engine/runtime/prefill_pace.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr double kNewest = 0.3;  // weight of the newest measurement
constexpr std::uint32_t kTokensWorthTiming = 8;

void average(double& mean, double value) {
  mean = mean == 0 ? value : mean + kNewest * (value - mean);
}

}  // namespace

void PrefillPace::note(std::uint32_t prompt_tokens, std::uint32_t decoded_rows, double step_ms) {
  if (prompt_tokens == 0) return average(decode_ms_, step_ms);
  if (prompt_tokens < kTokensWorthTiming) return;
  const double prompt_ms = step_ms - (decoded_rows > 0 ? decode_ms_ : 0);
  average(token_ms_, std::max(prompt_ms, step_ms / 2) / prompt_tokens);
}

std::uint32_t PrefillPace::chunk(std::uint32_t decoded_rows) const {
  if (decoded_rows == 0) return tokens_max_;
  if (token_ms_ == 0) return in_whole_groups(std::max(kTokensMin, tokens_max_ / 2), decoded_rows);
  const double affordable = std::max(0.0, kPauseMaxMs - decode_ms_) / token_ms_;
  const double bounded =
      std::clamp<double>(affordable, std::min(kTokensMin, tokens_max_), tokens_max_);
  return in_whole_groups(static_cast<std::uint32_t>(bounded), decoded_rows);
}

/// So many tokens, or some fewer or more, that all rows of the batch are multiplied in groups.
std::uint32_t PrefillPace::in_whole_groups(std::uint32_t tokens, std::uint32_t decoded_rows) const {
  const std::uint32_t rows = decoded_rows + tokens;
  if (groups_.fills(rows)) return tokens;
  const std::uint32_t outside = rows % groups_.large;
  if (tokens >= outside + kTokensMin / 2) return tokens - outside;
  return std::min(tokens + groups_.large - outside, tokens_max_);
}

}  // namespace hearth::engine
