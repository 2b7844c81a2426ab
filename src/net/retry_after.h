#pragma once
#include <chrono>
#include <optional>

#include "base/call.h"
#include "net/http.h"

namespace hearth::net {

inline constexpr Millis kRetryAfterMax{86'400'000};

/// How long a server asks to be left alone: `retry-after-ms`, else Retry-After in seconds or as a
/// date. Absent: it does not say, or more than kRetryAfterMax. Never negative. Pure.
/// Source: RFC 9110, sections 5.6.7 and 10.2.3 (of its dates only the preferred form).
std::optional<Millis> retry_after(const Response& response,
                                  std::chrono::system_clock::time_point now);

}  // namespace hearth::net
