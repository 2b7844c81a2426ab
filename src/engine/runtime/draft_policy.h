#pragma once
#include <array>
#include <cstdint>

namespace hearth::engine {

/// How well the drafts of one generation came true.
class DraftRecord {
 public:
  /// A draft of `drafted` tokens, of which the first `accepted` came true.
  void note(std::uint32_t drafted, std::uint32_t accepted);
  /// A step in which a draft was there and was not tried.
  void skip() { ++skipped_; }

  /// How likely one more drafted token comes true; 0 to 1.
  double chance() const { return chance_; }
  /// Enough steps went by without a draft that one is worth while to see how things stand.
  bool wants_probe() const { return skipped_ >= kProbeSteps; }
  bool promises_more_than(const DraftRecord& other) const { return chance_ > other.chance_; }
  std::uint32_t drafted() const { return drafted_; }
  std::uint32_t accepted() const { return accepted_; }

  static constexpr std::uint32_t kProbeSteps = 24;

 private:
  double chance_ = 0.6;  // of a match that was found; a first guess that a few drafts correct
  std::uint32_t skipped_ = 0;
  std::uint32_t drafted_ = 0, accepted_ = 0;
};

/// How long a draft should be: learns what a step costs by its rows, on this machine and with this
/// model, and drafts only where more tokens for each millisecond are to be expected. One thread.
class DraftPolicy {
 public:
  /// More rows are not drafted to. A matrix multiplication over repacked weights works in tiles of
  /// four rows: a batch of 4 costs about 1.26 times a batch of 1, and 2 or 3 cost more than 4.
  static constexpr std::uint32_t kRowsMax = 4;

  /// A step without prompts took so long.
  void note_step(std::uint32_t rows, double ms);
  /// The expected cost of a step in ms; a guess from fewer rows until it was measured. rows: 1 or
  /// more.
  double cost_ms(std::uint32_t rows) const;

  /// Tokens to draft beside `rows` that are computed anyway: 0 to `tokens_max`.
  std::uint32_t length(std::uint32_t rows, std::uint32_t tokens_max,
                       const DraftRecord& record) const;

 private:
  std::array<double, kRowsMax + 1> measured_ms_{};  // by rows; 0: not yet
};

}  // namespace hearth::engine
