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
      {"a little too slow", 4, 62},
      {"half as fast", 8, 31},
      {"a Raspberry Pi", 100, 16},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    PrefillPace pace(64);
    pace.note(64, 0, 64 * c.token_ms);
    EXPECT_EQ(pace.chunk(4), c.want);
    EXPECT_EQ(pace.chunk(0), 64u);
  }
}

TEST(PrefillPace, FillsTheKernelsGroupsTogetherWithAnswers) {
  constexpr RowGroups kSixteen{.large = 16, .small = 4, .worth = 11};
  struct Case {
    double token_ms, decode_ms;
    std::uint32_t decoded_rows, want;
  };
  const Case kCases[] = {
      {8, 0, 0, 64},     // nobody waits
      {8, 0, 1, 31},     // 32 rows
      {8, 0, 4, 28},     // of 31 that could be afforded, so that 32 rows are
      {8, 0, 12, 31},    // 43 rows are padded
      {8, 24, 1, 28},    // 29 rows are padded
      {8, 120, 15, 16},  // 31 rows are padded
      {8, 150, 10, 22},  // 26 rows would cost as much as 32
      {1, 24, 1, 63},    // never more than the chunk
      {1, 24, 3, 61},   {100, 100, 1, 15},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.decoded_rows);
    PrefillPace pace(64, kSixteen);
    pace.note(64, 0, 64 * c.token_ms);
    if (c.decode_ms > 0) pace.note(0, c.decoded_rows, c.decode_ms);
    EXPECT_EQ(pace.chunk(c.decoded_rows), c.want);
  }
}

TEST(PrefillPace, IsCarefulBeforeItsFirstMeasurement) {
  EXPECT_EQ(PrefillPace(64).chunk(4), 32u);
  EXPECT_EQ(PrefillPace(16).chunk(4), 16u);
  EXPECT_EQ(PrefillPace(64).chunk(0), 64u);
}

TEST(PrefillPace, TakesTheDecodersShareOutOfMixedSteps) {
  PrefillPace pace(64);
  pace.note(0, 1, 50);  // a step of answers alone
  pace.note(64, 1, 50 + 64 * 2);
  EXPECT_DOUBLE_EQ(pace.token_ms(), 2);
  EXPECT_EQ(pace.chunk(4), 64u);
}

TEST(PrefillPace, ForgetsOldSpeeds) {
  PrefillPace pace(64);
  for (int i = 0; i < 30; ++i) pace.note(64, 0, 64 * 20);
  EXPECT_EQ(pace.chunk(4), 16u);
  for (int i = 0; i < 30; ++i) pace.note(64, 0, 64);
  EXPECT_EQ(pace.chunk(4), 64u);
}

TEST(PrefillPace, IgnoresCrumbs) {
  PrefillPace pace(64);
  pace.note(7, 0, 7000);
  EXPECT_EQ(pace.token_ms(), 0);
}

}  // namespace
}  // namespace hearth::engine
