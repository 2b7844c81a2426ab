#include "engine/runtime/draft_policy.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

DraftPolicy measured(double one, double two, double three, double four) {
  DraftPolicy policy;
  const double all[] = {one, two, three, four};
  for (std::uint32_t rows = 1; rows <= 4; ++rows) policy.note_step(rows, all[rows - 1]);
  return policy;
}

DraftRecord record(int right, int wrong) {
  DraftRecord record;
  for (int i = 0; i < right; ++i) record.note(3, 3);
  for (int i = 0; i < wrong; ++i) record.note(3, 0);
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
      {"four leave none", tiles, 4, 3, record(20, 0), 0},
      {"nothing to compute", tiles, 0, 3, record(20, 0), 0},
      {"a short draft may cost too much", tiles, 1, 1, record(0, 3), 0},
      {"bad drafts are left alone", tiles, 1, 3, record(0, 30), 0},
      {"rows that cost their share bring nothing", linear, 1, 3, record(20, 0), 0},
      {"unmeasured: it is tried", DraftPolicy(), 1, 3, DraftRecord(), 3},
      {"no draft", tiles, 1, 0, record(20, 0), 0},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(c.policy.length(c.rows, c.tokens, c.record), c.length) << c.what;
}

TEST(DraftPolicy, TriesAgainNowAndThen) {
  const DraftPolicy policy = measured(44.7, 63, 63, 56.2);
  DraftRecord bad = record(0, 30);
  for (std::uint32_t i = 0; i < DraftRecord::kProbeSteps; ++i) {
    EXPECT_EQ(policy.length(1, 3, bad), 0u);
    bad.skip();
  }
  EXPECT_EQ(policy.length(1, 3, bad), 3u);
  bad.note(3, 0);
  EXPECT_EQ(policy.length(1, 3, bad), 0u);
}

TEST(DraftPolicy, OneSlowStepIsNoVerdict) {
  DraftPolicy policy = measured(44.7, 63, 63, 56.2);
  policy.note_step(4, 5'000);
  EXPECT_LT(policy.cost_ms(4), 100);
  policy.note_step(9, 1);  // beyond what is kept
  policy.note_step(0, 1);
  EXPECT_EQ(policy.cost_ms(1), 44.7);
}

TEST(DraftRecord, Counts) {
  DraftRecord record;
  record.note(3, 2);
  record.note(2, 2);
  EXPECT_EQ(record.drafted(), 5u);
  EXPECT_EQ(record.accepted(), 4u);
  EXPECT_GT(record.chance(), 0.6);
}

}  // namespace
}  // namespace hearth::engine
