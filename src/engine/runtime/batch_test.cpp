#include "engine/runtime/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

using ::testing::ElementsAre;

TEST(Batch, HoldsItsRowsUpToItsSize) {
  Batch batch(2);
  EXPECT_EQ(batch.add(7, 0, 3, Batch::Logits::No), 0);
  EXPECT_EQ(batch.add(8, 5, 1, Batch::Logits::Yes), 1);
  EXPECT_EQ(batch.room(), 0u);
  EXPECT_THAT(batch.tokens(), ElementsAre(7, 8));
  EXPECT_THAT(batch.owners(), ElementsAre(3, 1));
  EXPECT_EQ(batch.raw().n_tokens, 2);
  EXPECT_EQ(batch.raw().pos[1], 5);
  EXPECT_EQ(batch.raw().logits[0], 0);
  EXPECT_EQ(batch.raw().logits[1], 1);
  EXPECT_DEATH(batch.add(9, 6, 1, Batch::Logits::No), "");
  batch.clear();
  EXPECT_EQ(batch.size(), 0u);
  EXPECT_EQ(batch.room(), 2u);
}

TEST(ShareOut, Table) {
  struct Case {
    std::vector<std::uint64_t> wants;
    std::uint32_t budget;
    std::vector<std::uint32_t> shares;
  };
  const Case kCases[] = {
      {{}, 64, {}},
      {{100}, 64, {64}},
      {{10}, 64, {10}},
      {{100, 100}, 64, {32, 32}},
      {{100, 10}, 64, {54, 10}},  // what the short one leaves goes to the long one
      {{100, 10, 100}, 64, {27, 10, 27}},
      {{5, 5, 5}, 2, {0, 1, 1}},  // too little for everyone: nobody gets more than a fair share
      {{5}, 0, {0}},
  };
  for (const Case& c : kCases) EXPECT_EQ(share_out(c.wants, c.budget), c.shares);
}

}  // namespace
}  // namespace hearth::engine
