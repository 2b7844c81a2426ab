#include "engine/runtime/row_groups.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

TEST(RowGroups, PadsWhereItCostsNothing) {
  constexpr RowGroups kSixteen{.large = 16, .small = 4, .worth = 11};
  constexpr RowGroups kFour{.large = 4, .small = 4, .worth = 3};
  struct Case {
    std::uint32_t rows, sixteen, four;
  };
  const Case kCases[] = {{0, 0, 0},  {1, 0, 0},  {2, 0, 0},  {3, 1, 1},  {4, 0, 0},
                         {7, 1, 1},  {10, 0, 0}, {11, 5, 1}, {12, 4, 0}, {15, 1, 1},
                         {16, 0, 0}, {17, 0, 0}, {19, 1, 1}, {27, 5, 1}, {64, 0, 0}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.rows);
    EXPECT_EQ(kSixteen.padding(c.rows), c.sixteen);
    EXPECT_EQ(kFour.padding(c.rows), c.four);
    EXPECT_EQ(RowGroups{}.padding(c.rows), 0u);
    EXPECT_TRUE(RowGroups{}.fills(c.rows));
  }
  EXPECT_TRUE(kSixteen.fills(11));
  EXPECT_FALSE(kSixteen.fills(3));
  EXPECT_TRUE(kFour.fills(3));
}

}  // namespace
}  // namespace hearth::engine
