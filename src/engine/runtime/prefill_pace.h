#pragma once
#include <cstdint>

#include "engine/runtime/row_groups.h"

namespace hearth::engine {

/// How many prompt tokens the next step may compute while answers are being written: as many as
/// keep the pause between two of their tokens below kPauseMax, by the speed that was measured.
/// While nobody writes, chunks have their full size, always: results may depend on it. A value;
/// one thread.
class PrefillPace {
 public:
  static constexpr double kPauseMaxMs = 250;
  static constexpr std::uint32_t kTokensMin = 16;  // below, a chunk's overhead eats what it gives

  /// `tokens_max`: the configured chunk, kTokensMin or more.
  explicit PrefillPace(std::uint32_t tokens_max, RowGroups groups = {})
      : tokens_max_(tokens_max), groups_(groups) {}

  /// A step has computed `prompt_tokens` of prompts and `decoded_rows` tokens of answers.
  void note(std::uint32_t prompt_tokens, std::uint32_t decoded_rows, double step_ms);

  /// For the next step, beside `decoded_rows` tokens of answers that are being written.
  std::uint32_t chunk(std::uint32_t decoded_rows) const;

  /// Milliseconds that one prompt token takes, by the last steps; 0 before the first.
  double token_ms() const { return token_ms_; }

 private:
  std::uint32_t in_whole_groups(std::uint32_t tokens, std::uint32_t decoded_rows) const;

  std::uint32_t tokens_max_;
  RowGroups groups_;
  double token_ms_ = 0;   // moving averages
  double decode_ms_ = 0;  // of steps without a prompt
};

}  // namespace hearth::engine
