#include "engine/runtime/prefill_pace.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr double kNewest = 0.3;  // weight of the newest measurement
constexpr std::uint32_t kTokensWorthTiming = 8;
constexpr std::uint32_t kTokensMultiple = 8;  // kernels work on rows in tiles

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

std::uint32_t PrefillPace::chunk(bool decoding) const {
  if (!decoding) return tokens_max_;
  if (token_ms_ == 0) return std::max(kTokensMin, tokens_max_ / 2);
  const double affordable = std::max(0.0, kPauseMaxMs - decode_ms_) / token_ms_;
  if (affordable >= tokens_max_) return tokens_max_;
  const auto whole = static_cast<std::uint32_t>(affordable) / kTokensMultiple * kTokensMultiple;
  return std::clamp(whole, std::min(kTokensMin, tokens_max_), tokens_max_);
}

}  // namespace hearth::engine
