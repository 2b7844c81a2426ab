#include "engine/runtime/draft_policy.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

constexpr std::uint32_t kMatch = 5;

DraftPolicy measured(double one, double two, double three, double four) {
  DraftPolicy policy(RowGroups{.large = 16, .small = 4, .worth = 11});
  const double all[] = {one, two, three, four};
  for (std::uint32_t rows = 1; rows <= 4; ++rows) policy.note_step(rows, all[rows - 1]);
  return policy;
}

DraftRecord record(int right, int wrong) {
  DraftRecord record;
  for (int i = 0; i < right; ++i) record.note(kMatch, 3, 3);
  for (int i = 0; i < wrong; ++i) record.note(kMatch, 3, 0);
  return record;
}

TEST(DraftPolicy, Table) {
  // Milliseconds as measured on two cores with Q4_0 weights.
  const DraftPolicy tiles = measured(44.7, 63, 63, 56.2);
  const DraftPolicy linear = measured(10, 20, 30, 40);
  struct Case {
    const char* what;
    DraftPolicy policy;
    std::uint32_t rows, tokens;
    DraftRecord record;
    std::uint32_t length;
  };
  const Case kCases[] = {
      {"good drafts fill the tile", tiles, 1, 3, record(20, 0), 3},
      {"two share what is left", tiles, 2, 3, record(20, 0), 2},
      {"three leave one", tiles, 3, 3, record(20, 0), 1},
      {"beyond four only whole groups count", tiles, 4, 3, record(20, 0), 0},
      {"nothing to compute", tiles, 0, 3, record(20, 0), 0},
      {"a short draft may cost too much", tiles, 1, 1, record(0, 3), 0},
      {"bad drafts are left alone", tiles, 1, 3, record(0, 30), 0},
      {"rows that cost their share bring nothing", linear, 1, 3, record(20, 0), 0},
      {"unmeasured: it is tried", DraftPolicy(), 1, 3, DraftRecord(), 3},
      {"no draft", tiles, 1, 0, record(20, 0), 0},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(c.policy.length(c.rows, c.tokens, kMatch, c.record), c.length) << c.what;
}

TEST(DraftPolicy, LongOnesFillWholeGroups) {
  constexpr RowGroups kSixteen{.large = 16, .small = 4, .worth = 11};
  DraftPolicy policy(kSixteen);
  const double kMs[] = {24, 48, 53, 53};
  for (std::uint32_t rows = 1; rows <= 4; ++rows) policy.note_step(rows, kMs[rows - 1]);
  policy.note_step(16, 126);
  DraftRecord good;
  for (int i = 0; i < 100; ++i) good.note(kMatch, 15, 15);
  DraftRecord fair;
  for (int i = 0; i < 100; ++i) fair.note(kMatch, 3, 2);
  struct Case {
    const char* what;
    std::uint32_t rows, tokens;
    const DraftRecord& record;
    std::uint32_t length;
  };
  const Case kCases[] = {
      {"nearly sure", 1, 15, good, 15},
      {"all there are", 1, 12, good, 12},
      {"six of sixteen rows cost more than four", 1, 6, good, 3},
      {"not that sure", 1, 15, fair, 3},
      {"rows that would be padding are free", 14, 2, fair, 2},
      {"no room", 16, 15, good, 0},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(policy.length(c.rows, c.tokens, kMatch, c.record), c.length) << c.what;
}

TEST(DraftPolicy, TriesAgainNowAndThen) {
  const DraftPolicy policy = measured(44.7, 63, 63, 56.2);
  DraftRecord bad;
  bad.note(kMatch, 3, 3);
  for (int i = 0; i < 30; ++i) bad.note(kMatch, 3, i == 29 ? 1 : 0);
  for (std::uint32_t pause = DraftRecord::kProbeSteps; pause <= 2 * DraftRecord::kProbeStepsMax;
       pause *= 2) {
    SCOPED_TRACE(pause);
    for (std::uint32_t i = 0; i < std::min(pause, DraftRecord::kProbeStepsMax); ++i) {
      ASSERT_EQ(policy.length(1, 3, kMatch, bad), 0u);
      bad.skip();
    }
    ASSERT_EQ(policy.length(1, 3, kMatch, bad), 3u);
    bad.note(kMatch, 3, 0);
  }
}

TEST(DraftPolicy, AnAnswerBeginsWithWhatOthersTaught) {
  DraftPolicy policy = measured(44.7, 63, 63, 56.2);
  EXPECT_EQ(policy.length(1, 3, kMatch, policy.new_record()), 3u);
  for (int i = 0; i < 100; ++i) policy.note_draft(kMatch, 3, 0);
  EXPECT_EQ(policy.length(1, 3, kMatch, policy.new_record()), 0u);
  EXPECT_EQ(policy.length(1, 3, 16, policy.new_record()), 3u);  // longer matches tell more
}

TEST(DraftPolicy, OneSlowStepIsNoVerdict) {
  DraftPolicy policy = measured(44.7, 63, 63, 56.2);
  policy.note_step(4, 5'000);
  EXPECT_LT(policy.cost_ms(4), 100);
  policy.note_step(17, 1);  // beyond what is kept
  policy.note_step(0, 1);
  EXPECT_EQ(policy.cost_ms(1), 44.7);
}

TEST(DraftRecord, Counts) {
  DraftRecord record;
  record.note(kMatch, 3, 2);
  record.note(kMatch, 2, 2);
  EXPECT_EQ(record.drafted(), 5u);
  EXPECT_EQ(record.accepted(), 4u);
  EXPECT_GT(record.chance(kMatch), DraftRecord().chance(kMatch));
}

TEST(DraftChances, GrowWithWhatAgreed) {
  DraftChances chances;
  const std::pair<std::uint32_t, std::uint32_t> kPairs[] = {{2, 4}, {7, 8}, {3, 16}};
  for (const auto& [shorter, longer] : kPairs) EXPECT_LT(chances.of(shorter), chances.of(longer));
  const double before = chances.of(8);
  chances.note(2, 3, 0, 0.5);
  EXPECT_EQ(chances.of(2), chances.of(3));
  EXPECT_EQ(chances.of(8), before);
}

}  // namespace
}  // namespace hearth::engine
