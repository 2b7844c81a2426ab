#pragma once

namespace hearth {
/// Logs `what` with its place and ends the process. For impossible states only, never for input.
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);
}  // namespace hearth

/// Our own invariants: HEARTH_CHECK(count > 0, "the batch was filled above").
#define HEARTH_CHECK(condition, why) \
  ((condition) ? static_cast<void>(0) : ::hearth::check_failed(#condition, why, __FILE__, __LINE__))
