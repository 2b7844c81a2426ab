#pragma once
#include <chrono>
#include <cstdint>

#include "base/call.h"

namespace hearth {

/// Where "now" comes from, so that tests need not wait. Thread-safe.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  /// Monotonic time, for deadlines and durations.
  virtual Clock::time_point now() const = 0;
  /// Wall-clock time, for what people and protocols see.
  virtual std::chrono::system_clock::time_point wall() const = 0;
};

/// Wall-clock time since 1970, UTC, in whole `Unit`s (Millis, std::chrono::seconds).
template <class Unit>
std::int64_t unix_time(const TimeSource& time) {
  return std::chrono::duration_cast<Unit>(time.wall().time_since_epoch()).count();
}

/// The real clocks.
class SystemTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::now(); }
  std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::now();
  }
};

}  // namespace hearth
