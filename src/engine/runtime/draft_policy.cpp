#include "engine/runtime/draft_policy.h"

#include <algorithm>
#include <cmath>

namespace hearth::engine {
namespace {

constexpr double kChanceShare = 0.12;  // of one token in the moving average of one answer
constexpr double kPriorShare = 0.02;   // and of all
constexpr double kCostShare = 0.15;    // of one step
constexpr double kOutlier = 4.0;       // a step that took so much longer says nothing about rows
constexpr double kUnmeasured = 1.3;    // a few rows more, against those that were measured
constexpr double kGainMin = 1.02;      // below, the measurements are not that good

/// Tokens that a draft of `length` brings: the first comes true with `chance`, the second only
/// behind it.
double expected_tokens(double chance, std::uint32_t length) {
  double sum = 0, all = 1;
  for (std::uint32_t i = 0; i < length; ++i) sum += all *= chance;
  return sum;
}

}  // namespace

void DraftChances::note(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted,
                        double share) {
  double& chance = chances_[class_of(match)];
  for (std::uint32_t i = 0; i < std::min(drafted, accepted + 1); ++i)
    chance += share * ((i < accepted ? 1.0 : 0.0) - chance);
}

void DraftRecord::note(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted) {
  chances_.note(match, drafted, accepted, kChanceShare);
  skipped_ = 0;
  probe_steps_ = accepted > 0 ? kProbeSteps : std::min(2 * probe_steps_, kProbeStepsMax);
  drafted_ += drafted;
  accepted_ += accepted;
}

void DraftPolicy::note_step(std::uint32_t rows, double ms) {
  if (rows == 0 || rows > kRowsMax || ms <= 0) return;
  double& known = measured_ms_[rows];
  if (known == 0) {
    known = ms;
  } else {
    known += kCostShare * (std::min(ms, kOutlier * known) - known);
  }
}

double DraftPolicy::cost_ms(std::uint32_t rows) const {
  if (rows <= kRowsMax && measured_ms_[rows] > 0) return measured_ms_[rows];
  for (std::uint32_t fewer = std::min(rows, kRowsMax); fewer > 0; --fewer) {
    if (measured_ms_[fewer] == 0) continue;
    // Between rows that cost nothing more and rows that cost their share.
    const double growth = std::sqrt(static_cast<double>(rows) / fewer);
    return measured_ms_[fewer] * (rows <= kFewRows ? kUnmeasured : std::max(kUnmeasured, growth));
  }
  return 1.0;
}

void DraftPolicy::note_draft(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted) {
  chances_.note(match, drafted, accepted, kPriorShare);
}

std::uint32_t DraftPolicy::length(std::uint32_t rows, std::uint32_t tokens_max, std::uint32_t match,
                                  const DraftRecord& record) const {
  if (rows == 0 || rows >= kRowsMax) return 0;
  const std::uint32_t longest = std::min(tokens_max, kRowsMax - rows);
  if (record.wants_probe()) return std::min(longest, kFewRows - 1);
  const double without = rows / cost_ms(groups_.padded(rows));
  std::uint32_t best = 0;
  double best_speed = without * kGainMin;
  for (std::uint32_t length = 1; length <= longest; ++length) {
    if (!is_worth_a_look(rows + length)) continue;
    const double speed = (rows + expected_tokens(record.chance(match), length)) /
                         cost_ms(groups_.padded(rows + length));
    if (speed <= best_speed) continue;
    best = length;
    best_speed = speed;
  }
  return best;
}

}  // namespace hearth::engine
