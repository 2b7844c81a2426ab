#pragma once
#include <algorithm>

#include "base/call.h"

namespace hearth::model::local {

/// How long to wait before an engine is started again: not at all the first time, then 1, 2, 4 … 30
/// s. An engine that was well for a minute is the first again.
class Backoff {
 public:
  static constexpr Millis kFirst{1'000};
  static constexpr Millis kMax{30'000};
  static constexpr Millis kHealthy{60'000};

  /// The wait after an engine that was ready for `healthy` (0 if it never was).
  Millis next(Millis healthy) {
    if (healthy >= kHealthy) next_ = Millis(0);
    const Millis wait = next_;
    next_ = wait.count() == 0 ? kFirst : std::min(wait * 2, kMax);
    return wait;
  }

 private:
  Millis next_{0};
};

}  // namespace hearth::model::local
