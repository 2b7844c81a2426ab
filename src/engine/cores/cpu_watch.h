#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/call.h"

namespace hearth::engine {

using Micros = std::chrono::microseconds;

/// What happened on this machine since the look before. What the system does not tell is absent.
struct Look {
  Micros window{0};
  /// Time that our threads were ready to run and waited for a core, all together.
  std::optional<Micros> queue_delay{};
  std::optional<std::uint64_t> switches{};  // involuntary
  /// Cores that other processes kept busy, and those that processes of a lower priority (nice) kept
  /// busy. Looked at less often than the rest: the kernel counts in ticks of 10 ms.
  struct Others {
    double cores = 0;
    double nice_cores = 0;
    Micros window{0};
  };
  std::optional<Others> others{};
};

/// Looks at what the kernel counts about us and our CPUs: /proc/self/task/*/schedstat, getrusage,
/// /proc/stat. A look costs some ten microseconds, so it is taken at most every kEvery. One thread.
class CpuWatch {
 public:
  static constexpr Micros kEvery{50'000};
  static constexpr Micros kOthersEvery{200'000};

  /// `root` stands before /proc, for tests.
  explicit CpuWatch(std::string root = {});
  /// A look, when kEvery have passed since the one before; the first only begins.
  std::optional<Look> look(Clock::time_point now);
  /// CPUs that this process may run on.
  std::uint32_t cpus() const { return cpus_; }

 private:
  /// Sums since the start of something; only differences mean anything.
  struct Sums {
    std::optional<Micros> queue_delay{};
    std::optional<std::uint64_t> switches{};
  };
  /// Of all other processes since the machine started.
  struct Busy {
    Micros time{0}, nice{0};
  };
  Sums read_own() const;
  std::optional<Busy> read_others() const;
  std::optional<Look::Others> look_at_others(Clock::time_point now);

  const std::string root_;
  std::string allowed_{};  // one byte for each CPU: whether we may run on it
  std::uint32_t cpus_ = 1;
  std::optional<Clock::time_point> looked_{};
  Sums before_;
  Clock::time_point others_looked_{};
  std::optional<Busy> others_before_{};
};

}  // namespace hearth::engine
