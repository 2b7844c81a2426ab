#include "engine/snapshot/pace.h"

#include <gtest/gtest.h>

namespace hearth::engine::snapshot {
namespace {

TEST(Pace, UnmeasuredItAsksForThirtyTwoTokens) {
  Pace pace;
  EXPECT_FALSE(pace.is_worth({.tokens = 31, .bytes = 1}));
  EXPECT_TRUE(pace.is_worth({.tokens = 32, .bytes = 1ull << 40}));
  pace.computed(1'000, 1);
  EXPECT_FALSE(pace.is_worth({.tokens = 31, .bytes = 1}));
}

TEST(Pace, ComparesWhatItMeasured) {
  Pace pace;
  pace.computed(100, 1);        // 100 tokens/s
  pace.restored(1'000'000, 1);  // 1 MB/s
  EXPECT_TRUE(pace.is_worth({.tokens = 100, .bytes = 900'000}));
  EXPECT_FALSE(pace.is_worth({.tokens = 100, .bytes = 1'000'000}));  // and 2 ms of overhead
  EXPECT_FALSE(pace.is_worth({.tokens = 15, .bytes = 1}));
  EXPECT_TRUE(pace.is_worth({.tokens = 16, .bytes = 1}));
}

TEST(Pace, NewMeasurementsCountMoreThanOldOnes) {
  Pace pace;
  pace.restored(1'000'000, 1);
  pace.computed(1'000'000, 1);  // computing is absurdly fast
  EXPECT_FALSE(pace.is_worth({.tokens = 100, .bytes = 10'000}));
  for (int i = 0; i < 50; ++i) pace.computed(100, 1);
  EXPECT_TRUE(pace.is_worth({.tokens = 100, .bytes = 10'000}));
}

TEST(Pace, NothingIsLearnedFromNothing) {
  Pace pace;
  pace.computed(Pace::kTokensMin - 1, 1);
  pace.computed(100, 0);
  pace.restored(0, 1);
  EXPECT_TRUE(pace.is_worth({.tokens = 32, .bytes = 1ull << 40}));
}

}  // namespace
}  // namespace hearth::engine::snapshot
