#pragma once
#include <cstddef>

#include "base/result.h"

namespace hearth::engine {

/// Bounds what turning one schema into a grammar costs, whatever it holds: small ones can ask for
/// hours, with patterns or lists of values that meet each other. One thread.
class Work {
 public:
  /// Values compared or copied, nodes and edges looked at, bytes written: of some 10 ns each.
  static constexpr std::size_t kStepsMax = 100'000'000;

  void spend(std::size_t steps) {
    spent_ = steps < kStepsMax - spent_ ? spent_ + steps : kStepsMax;
  }
  bool is_spent() const { return spent_ == kStepsMax; }
  /// Errors: TooLarge.
  Result<void> check() const {
    if (is_spent()) return Error{Code::TooLarge, "a grammar for it would take too much work"};
    return ok();
  }

 private:
  std::size_t spent_ = 0;
};

}  // namespace hearth::engine
