#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "engine/cores/core_board.h"

namespace hearth::engine {

/// Cores for an engine with this place among those that want to compute, when `budget` are dealt
/// out one by one, in turn, to whoever wants more. At least 1. Pure.
std::uint32_t fair_share(std::uint32_t budget, const CoreBoard::Crowd& crowd);

/// How patient a CoreLease is.
struct LeaseTimes {
  Millis slice{100};     // of an engine that others wait for
  Millis look_after{5};  // what others want is looked at no more often
  /// An engine that got no core for so long computes with one thread all the same, for `go_on`: a
  /// holder was stopped, or its step is very long.
  Millis patience{5'000};
  Millis go_on{30'000};
};

/// Shares the cores of the machine between the engines of one user, whichever process started them:
/// who computes alone has all, several have equal shares, and where there are more engines than
/// cores they take turns. Between steps the cores stay with the engine until release(). One thread.
class CoreLease {
 public:
  /// Errors: those of CoreBoard::open.
  static Result<std::unique_ptr<CoreLease>> open(const std::string& path, std::uint32_t cores,
                                                 LeaseTimes times = {});

  struct Grant {
    std::uint32_t cores = 1;           // to compute with now
    std::uint32_t engines = 1;         // that want to compute, this one included
    std::uint32_t held_by_others = 0;  // cores
  };
  /// Called before each step. `demand`: the most that this engine could ever use; `budget`: how
  /// many cores there are for all engines together. Waits while others hold all of them, until
  /// `stop()` says so or patience ends.
  Grant acquire(std::uint32_t demand, std::uint32_t budget, const std::function<bool()>& stop);
  /// Gives everything back: this engine has nothing to compute.
  void release();
  std::uint32_t held() const { return board_ ? board_->held() : 0; }

 private:
  CoreLease(std::string path, std::uint32_t cores, LeaseTimes times,
            std::unique_ptr<CoreBoard> board);
  void sit(std::uint32_t demand);
  void settle(std::uint32_t share, Clock::time_point now);
  void wait_for_core(std::uint32_t share, const std::function<bool()>& stop);

  const std::string path_;
  const std::uint32_t cores_;
  const LeaseTimes times_;
  std::unique_ptr<CoreBoard> board_;
  Grant grant_;
  std::uint32_t budget_ = 0;  // at the last look
  Clock::time_point looked_{};
  Clock::time_point slice_started_{};
  Clock::time_point go_on_until_{};  // without a core of our own
};

}  // namespace hearth::engine
