#pragma once
#include <cstdint>

#include "base/call.h"

namespace hearth::model::router {

/// Keeps from asking again and again who does not answer. Closed: everybody may ask. After
/// `failures_max` failures in a row it is open for `pause`: nobody may. Then one may, as a probe;
/// if that fails it is open for another `pause`, if it succeeds it is closed. Not thread-safe.
class Breaker {
 public:
  enum class State : std::uint8_t { Closed, Open, HalfOpen };
  static constexpr std::uint32_t kFailuresMax = 5;
  static constexpr Millis kPause{60'000};

  explicit Breaker(std::uint32_t failures_max = kFailuresMax, Millis pause = kPause)
      : failures_max_(failures_max), pause_(pause) {}

  /// Whether somebody may ask now; HalfOpen until the probe that asks has ended.
  bool would_allow(Clock::time_point now) const { return state(now) != State::Open && !probing_; }
  /// The same, by one who does ask and tells how it ended.
  bool allow(Clock::time_point now);
  void succeeded();
  void failed(Clock::time_point now);
  /// It was asked and ended without telling anything: given up by its client.
  void left() { probing_ = false; }

  State state(Clock::time_point now) const;
  /// When a probe may be made; only while it is open.
  Clock::time_point opens_until() const { return open_until_; }

 private:
  const std::uint32_t failures_max_;
  const Millis pause_;
  std::uint32_t failures_ = 0;  // in a row
  bool open_ = false;
  bool probing_ = false;
  Clock::time_point open_until_{};
};

}  // namespace hearth::model::router
