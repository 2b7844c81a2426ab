#include "policy/price_table.h"

#include <gtest/gtest.h>

namespace hearth::policy {
namespace {

WrittenPrice written(const std::string& model, const std::string& input) {
  return {.model = model,
          .input = input,
          .output = "2",
          .cache_read = "0.1",
          .cache_write = "1",
          .origin = "p.toml:3"};
}

TEST(PriceTable, FindsTheNearestEntry) {
  PriceTable table;
  for (const auto& [model, input] :
       std::vector<std::pair<std::string, std::string>>{{"a/big*", "1"},
                                                        {"a/big-1*", "2"},
                                                        {"a/big-1-mini", "3"},
                                                        {"a/big-1-mini*", "4"},
                                                        {"a/big-1-mini", "5"},
                                                        {"b/*", "6"},
                                                        {"c", "7"}}) {
    auto entry = read_price(written(model, input));
    ASSERT_TRUE(entry.ok());
    table.add(std::move(entry).value());
  }
  const std::pair<const char*, MicroDollars> kRows[] = {{"a/big", 1},
                                                        {"a/bigger", 1},
                                                        {"a/big-1", 2},
                                                        {"a/big-1-mini", 3},
                                                        {"a/big-1-mini-x", 4},
                                                        {"b/", 6},
                                                        {"b/x", 6},
                                                        {"a/bi", 0},
                                                        {"c", 7},
                                                        {"c/", 0},
                                                        {"", 0},
                                                        {"a/big*", 1}};
  for (const auto& [model, dollars] : kRows) {
    SCOPED_TRACE(model);
    const PriceEntry* const found = table.find(model);
    ASSERT_EQ(found != nullptr, dollars != 0);
    EXPECT_EQ(found ? found->price.input : 0, dollars * 1'000'000);
  }
}

TEST(PriceTable, NamesWhatIsNoPrice) {
  EXPECT_TRUE(read_price(written("m", "1000000")).ok());
  const std::pair<const char*, const char*> kRows[] = {
      {"x",
       "p.toml:3: price of m: input: \"x\" is no amount; such as \"5\" or \"0.25\", with six "
       "decimals at most"},
      {"1000000.000001", "p.toml:3: price of m: input: more than $1000000.00"}};
  for (const auto& [input, message] : kRows) {
    const auto got = read_price(written("m", input));
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().message, message);
    EXPECT_EQ(got.error().field, "input");
  }
}

TEST(PriceTable, ADayBehindANameIsADayAndNothingElse) {
  PriceTable table;
  table.add(read_price(written("a/m-20*", "1")).value());
  for (const char* dated : {"a/m-20250929", "a/m-2025-09-29"})
    EXPECT_TRUE(table.find(dated)) << dated;
  for (const char* other : {"a/m", "a/m-20", "a/m-20b", "a/m-2025", "a/m-20250929-mini",
                            "a/m-2025-0929", "a/m-2025092x"})
    EXPECT_FALSE(table.find(other)) << other;
}

}  // namespace
}  // namespace hearth::policy
