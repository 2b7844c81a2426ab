#include "engine/snapshot/pace.h"

namespace hearth::engine::snapshot {
namespace {

constexpr double kNewShare = 0.25;          // of the newest measurement in the average
constexpr double kOverheadSeconds = 0.002;  // of one restore, however small

void take_in(double& average, double amount, double seconds) {
  if (amount <= 0 || seconds <= 0) return;
  const double rate = amount / seconds;
  average = average == 0 ? rate : average + kNewShare * (rate - average);
}

}  // namespace

void Pace::computed(std::uint32_t tokens, double seconds) {
  if (tokens >= kTokensMin) take_in(tokens_per_s_, tokens, seconds);
}

void Pace::restored(std::uint64_t bytes, double seconds) {
  take_in(bytes_per_s_, static_cast<double>(bytes), seconds);
}

bool Pace::is_worth(const Offer& offer) const {
  if (tokens_per_s_ == 0 || bytes_per_s_ == 0) return offer.tokens >= kTokensMinUnmeasured;
  if (offer.tokens < kTokensMin) return false;
  const double restoring = kOverheadSeconds + static_cast<double>(offer.bytes) / bytes_per_s_;
  return restoring < offer.tokens / tokens_per_s_;
}

}  // namespace hearth::engine::snapshot
