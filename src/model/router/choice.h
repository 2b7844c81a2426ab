#pragma once
#include <cstdint>
#include <vector>

#include "model/router/rules.h"

namespace hearth::model::router {

/// A model that may answer, as far as the choice needs to know it.
struct Candidate {
  Level level = Level::Tactical;
  bool is_local = true;
  /// Soon: it loads, or is loaded by being asked. Gone: it failed, or its breaker is open.
  enum class Readiness : std::uint8_t { Ready, Soon, Gone } readiness = Readiness::Ready;
  bool is_loading = false;           // of Soon: it loads already
  std::uint32_t context_tokens = 0;  // 0: unknown
};

/// What is wished for.
struct Wish {
  bool only_local = false;
  bool forwards_while_loading = true;  // rather a provider than to wait for a model that loads
  bool only_strong = false;            // only what is Strategic
  std::uint64_t prompt_tokens = 0;     // about
};

/// The candidates in the order in which they are to be asked:
/// - of the level that is needed, then of higher ones, then of lower ones, the nearest first;
/// - of one level those that are ready, then those that will be; local ones before others, except
///   that a local one that loads comes behind if the wish says so; else in the order given;
/// - those that cannot hold the prompt, and then those that are gone, come last of all.
/// Pure.
std::vector<std::size_t> order(const std::vector<Candidate>& candidates, Level needed,
                               const Wish& wish);

}  // namespace hearth::model::router
