#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/runtime/loading.h"

namespace hearth::engine {

/// Finds out whether a loaded model's results depend on how they are computed. The same
/// pseudo-random tokens are computed in several ways (split into other batches, beside other
/// sequences, by another number of threads, restored from a saved state, ...), and the logits that
/// follow the last one are compared bit by bit with those of one straight computation.
///
/// Works in a small context of its own with the real one's settings, so what is cached stays, and
/// one comparison at a time, so that others can be served in between. One thread; the model must
/// outlive it. The context is freed after the last comparison.
class SelfCheck {
 public:
  enum class Extent : std::uint8_t { Quick, Whole };
  static constexpr std::uint32_t kTokensMin = 24, kTokensMax = 4'096;
  /// More than 64: only then does flash attention take its tiles for an f16 cache.
  static constexpr std::uint32_t kQuickTokens = 72;

  /// `tokens`: how many are computed, kTokensMin..kTokensMax. Errors: InvalidInput (tokens),
  /// Unavailable (no context can be made).
  static Result<std::unique_ptr<SelfCheck>> make(const LoadedModel& model, Extent extent,
                                                 std::uint32_t tokens);
  ~SelfCheck();

  /// Runs the next comparison. False when there is none left. Errors: Internal (llama.cpp could not
  /// compute).
  Result<bool> step();

  struct Outcome {
    std::string name;
    bool same = false;
  };
  /// Of the comparisons so far.
  const std::vector<Outcome>& outcomes() const { return outcomes_; }
  /// The first comparison that differed; empty if none has.
  std::string first_difference() const;

 private:
  struct Comparison;
  class Bench;
  explicit SelfCheck(Extent extent);
  static const std::vector<Comparison>& comparisons();

  const Extent extent_;
  std::unique_ptr<Bench> bench_;
  std::vector<float> expected_;
  std::vector<Outcome> outcomes_;
  std::size_t next_ = 0;
};

}  // namespace hearth::engine
