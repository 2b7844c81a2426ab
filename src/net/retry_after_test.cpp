#include "net/retry_after.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

TEST(RetryAfter, ReadsAllItsForms) {
  // Fri, 28 Nov 2025 10:00:00 UTC
  const auto now = std::chrono::system_clock::from_time_t(1'764'324'000);
  struct Row {
    Headers headers;
    std::optional<Millis> wanted;
  };
  const Row kRows[] = {{{}, {}},
                       {{{"Retry-After", ""}}, {}},
                       {{{"Retry-After", "0"}}, Millis(0)},
                       {{{"retry-after", "7"}}, Millis(7'000)},
                       {{{"Retry-After", "1.5"}}, Millis(1'500)},
                       {{{"Retry-After", "86400"}}, Millis(86'400'000)},
                       {{{"Retry-After", "86401"}}, {}},
                       {{{"Retry-After", "-1"}}, {}},
                       {{{"Retry-After", "7 s"}}, {}},
                       {{{"Retry-After", "nan"}}, {}},
                       {{{"Retry-After", "7"}, {"retry-after-ms", "20"}}, Millis(20)},
                       {{{"Retry-After", "Fri, 28 Nov 2025 10:00:09 GMT"}}, Millis(9'000)},
                       {{{"Retry-After", "Fri, 28 Nov 2025 09:59:00 GMT"}}, Millis(0)},
                       {{{"Retry-After", "Sun, 30 Nov 2025 10:00:09 GMT"}}, {}},
                       {{{"Retry-After", "tomorrow"}}, {}}};
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.headers.empty() ? "" : row.headers.front().second);
    EXPECT_EQ(retry_after({.status = 429, .headers = row.headers}, now), row.wanted);
  }
}

}  // namespace
}  // namespace hearth::net
