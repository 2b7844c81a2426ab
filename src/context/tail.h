#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::context {

/// What is true for one answer alone.
struct Moment {
  std::chrono::system_clock::time_point now{};
  bool shows_date = true;
  bool has_clock = false;               // a tool tells the time: the day is enough
  std::vector<std::string> memories{};  // best first
  std::vector<std::string> notes{};     // of Hearth's own, about this answer
};

inline constexpr std::size_t kMemoryBytesMax = 300;  // of one that is shown unasked; more is cut

/// The lines behind the last question: "[today: Saturday 2026-11-28]", "[remembered: …]",
/// "[note: …]"; empty if there is nothing to say. A memory cannot close its bracket or begin a
/// line.
std::string tail_of(const Moment& moment);

/// The same of at most Window::kTailTokensMax tokens: the last memories are left out until it fits.
/// `count` counts with the model's tokenizer, and is asked only where bytes alone do not tell.
/// Errors: those of `count`.
Result<std::string> tail_within(Moment moment,
                                const std::function<Result<std::size_t>(std::string)>& count);

/// The words of a message by which memories are looked for: those that are not in every sentence.
std::string recall_words(const std::string& message);

}  // namespace hearth::context
