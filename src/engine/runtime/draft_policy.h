#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/runtime/row_groups.h"

namespace hearth::engine {

/// How likely drafted tokens come true, by how many tokens before them agreed (Lookup::Guess): two
/// often agree by chance, eight seldom do.
class DraftChances {
 public:
  double of(std::uint32_t match) const { return chances_[class_of(match)]; }
  /// A draft of `drafted` tokens, of which the first `accepted` came true. `share`: how much one
  /// token counts in the moving average; 0 to 1.
  void note(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted, double share);

 private:
  static std::size_t class_of(std::uint32_t match) { return match < 4 ? 0 : match < 8 ? 1 : 2; }
  std::array<double, 3> chances_{0.45, 0.6, 0.8};  // a first guess that a few drafts correct
};

/// How well the drafts of one generation came true.
class DraftRecord {
 public:
  /// `prior`: what is known before the first draft.
  explicit DraftRecord(const DraftChances& prior = {}) : chances_(prior) {}
  void note(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted);
  /// A step in which a draft was there and was not tried.
  void skip() { ++skipped_; }

  /// How likely one more drafted token comes true; 0 to 1.
  double chance(std::uint32_t match) const { return chances_.of(match); }
  /// Enough steps went by without a draft that one is worth while to see how things stand: twice as
  /// many after each that was in vain.
  bool wants_probe() const { return skipped_ >= probe_steps_; }
  std::uint32_t drafted() const { return drafted_; }
  std::uint32_t accepted() const { return accepted_; }

  static constexpr std::uint32_t kProbeSteps = 24, kProbeStepsMax = 384;

 private:
  DraftChances chances_;
  std::uint32_t skipped_ = 0, probe_steps_ = kProbeSteps;
  std::uint32_t drafted_ = 0, accepted_ = 0;
};

/// How long a draft should be: learns what a step costs by its rows, on this machine and with this
/// model, and drafts only where more tokens for each millisecond are to be expected. One thread.
class DraftPolicy {
 public:
  /// More rows are not drafted to.
  static constexpr std::uint32_t kRowsMax = 16;
  /// Up to so many, every length is worth a look; beyond, only what fills the kernels' groups.
  static constexpr std::uint32_t kFewRows = 4;

  explicit DraftPolicy(RowGroups groups = {}) : groups_(groups) {}

  /// A step without prompts took so long; `rows` as they were padded.
  void note_step(std::uint32_t rows, double ms);
  /// The expected cost of a step in ms; a guess from fewer rows until it was measured. rows: 1 or
  /// more.
  double cost_ms(std::uint32_t rows) const;

  /// Tokens to draft beside `rows` that are computed anyway: 0 to `tokens_max`, which agreed in
  /// `match` tokens.
  std::uint32_t length(std::uint32_t rows, std::uint32_t tokens_max, std::uint32_t match,
                       const DraftRecord& record) const;

  /// What became of a draft, of whatever answer: the next answers begin with it.
  void note_draft(std::uint32_t match, std::uint32_t drafted, std::uint32_t accepted);
  DraftRecord new_record() const { return DraftRecord(chances_); }

 private:
  bool is_worth_a_look(std::uint32_t rows) const { return rows <= kFewRows || groups_.fills(rows); }

  RowGroups groups_;
  DraftChances chances_;
  std::array<double, kRowsMax + 1> measured_ms_{};  // by rows; 0: not yet
};

}  // namespace hearth::engine
