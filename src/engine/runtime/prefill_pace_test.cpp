#include "engine/runtime/prefill_pace.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

TEST(PrefillPace, FollowsTheMeasuredSpeedWhileAnswersAreWritten) {
  struct Case {
    const char* what;
    double token_ms;
    std::uint32_t want;
  };
  const Case kCases[] = {
      {"fast enough for the whole chunk", 1, 64},
      {"just enough", 250.0 / 64, 64},
      {"a little too slow", 4, 56},
      {"half as fast", 8, 24},
      {"a Raspberry Pi", 100, 16},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    PrefillPace pace(64);
    pace.note(64, 0, 64 * c.token_ms);
    EXPECT_EQ(pace.chunk(true), c.want);
    EXPECT_EQ(pace.chunk(false), 64u);
  }
}

TEST(PrefillPace, IsCarefulBeforeItsFirstMeasurement) {
  EXPECT_EQ(PrefillPace(64).chunk(true), 32u);
  EXPECT_EQ(PrefillPace(16).chunk(true), 16u);
  EXPECT_EQ(PrefillPace(64).chunk(false), 64u);
}

TEST(PrefillPace, TakesTheDecodersShareOutOfMixedSteps) {
  PrefillPace pace(64);
  pace.note(0, 1, 50);  // a step of answers alone
  pace.note(64, 1, 50 + 64 * 2);
  EXPECT_DOUBLE_EQ(pace.token_ms(), 2);
  EXPECT_EQ(pace.chunk(true), 64u);
}

TEST(PrefillPace, ForgetsOldSpeeds) {
  PrefillPace pace(64);
  for (int i = 0; i < 30; ++i) pace.note(64, 0, 64 * 20);
  EXPECT_EQ(pace.chunk(true), 16u);
  for (int i = 0; i < 30; ++i) pace.note(64, 0, 64);
  EXPECT_EQ(pace.chunk(true), 64u);
}

TEST(PrefillPace, IgnoresCrumbs) {
  PrefillPace pace(64);
  pace.note(7, 0, 7000);
  EXPECT_EQ(pace.token_ms(), 0);
}

}  // namespace
}  // namespace hearth::engine
