#pragma once
#include <cstdint>
#include <string>

namespace hearth::engine {

/// What this process may use of the machine: the machine itself, narrowed by the CPU affinity mask
/// and by the cgroup (version 2) it runs in. `root` stands before /proc and /sys, for tests.
struct Machine {
  std::string root{};

  /// Cores to compute with, at least 1. A cgroup quota of 1.5 cores counts as 1.
  std::uint32_t cores() const;
  /// Bytes that can be allocated before anything must be swapped or killed; UINT64_MAX if unknown.
  std::uint64_t memory_available_bytes() const;
  /// Resident set of this process in bytes.
  std::uint64_t resident_bytes() const;
};

}  // namespace hearth::engine
