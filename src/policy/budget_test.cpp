#include "policy/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::policy {
namespace {

using ::testing::HasSubstr;

constexpr MicroDollars kDollar = 1'000'000;
constexpr std::int64_t kNow = 1'795'867'428'000;  // 2026-11-28 12:03:48 UTC

TEST(Price, IsRoundedUpAndNeverLost) {
  const Price price{.input = 3 * kDollar,
                    .cache_read = 300'000,
                    .cache_write = 3'750'000,
                    .output = 15 * kDollar};
  struct Row {
    TokenCounts tokens;
    MicroDollars cost;
  };
  const Row rows[] = {{{}, 0},
                      {{.input = 1}, 3},
                      {{.cache_read = 1}, 1},  // a third of one, rounded up
                      {{.cache_read = 10}, 3},
                      {{.cache_write = 1}, 4},
                      {{.output = 1'000}, 15'000},
                      {{1'000'000, 1'000'000, 1'000'000, 1'000'000}, 22'050'000}};
  for (const Row& row : rows) EXPECT_EQ(cost_of(price, row.tokens), row.cost);
  EXPECT_EQ(worst_case(price, 1'000, 100), 3'750 + 1'500);  // as if all were written to the cache
  EXPECT_EQ(cost_of(price, {.input = ~std::uint64_t{0}}), kMicroDollarsMax);
  EXPECT_EQ(worst_case({}, 1'000, 1'000), 0);
}

TEST(Dollars, AreWrittenAndRead) {
  const std::pair<MicroDollars, const char*> written[] = {
      {0, "$0.0000"},     {1, "$0.0001"},         {4'200, "$0.0042"},    {999'999, "$1.0000"},
      {kDollar, "$1.00"}, {12'340'000, "$12.34"}, {12'340'001, "$12.35"}};
  for (const auto& [amount, text] : written) EXPECT_EQ(dollars_text(amount), text);
  const std::pair<const char*, MicroDollars> read[] = {
      {"5", 5 * kDollar}, {"$0.25", 250'000}, {"0.000001", 1}, {"1000000000", kMicroDollarsMax}};
  for (const auto& [text, amount] : read) EXPECT_EQ(parse_dollars(text).value(), amount) << text;
  for (const char* bad : {"", "$", "-1", "1.", ".5", "0.0000001", "1e3", "1,5", "1000000001",
                          "99999999999", "1 ", "five"})
    EXPECT_EQ(parse_dollars(bad).error().code, Code::InvalidInput) << bad;
}

TEST(Period, IsADayAndAMonthOfUtc) {
  const Period now = period_of(kNow);
  EXPECT_EQ(now.day_ms, 1'795'824'000'000);
  EXPECT_EQ(now.next_day_ms - now.day_ms, 86'400'000);
  EXPECT_EQ(now.month_ms, 1'793'491'200'000);            // 1 November
  EXPECT_EQ(now.next_month_ms, 1'796'083'200'000);       // 1 December
  const Period december = period_of(1'798'761'599'999);  // the year's last millisecond
  EXPECT_EQ(december.next_month_ms, 1'798'761'600'000);
  EXPECT_EQ(december.next_day_ms, 1'798'761'600'000);
}

TEST(Weigh, NoCapIsExceededEvenAtTheWorst) {
  Caps caps{
      .day = 10 * kDollar, .month = 100 * kDollar, .session = kDollar, .owner_day = 5 * kDollar};
  caps.purpose_day[static_cast<std::size_t>(chat::Purpose::Tool)] = 2 * kDollar;
  struct Row {
    Spent spent;
    chat::Purpose purpose;
    MicroDollars wanted;
    const char* refuses;  // field; null: it may be made
    const char* says;
  };
  const Row rows[] = {
      {{}, chat::Purpose::Chat, kDollar, nullptr, "100 % of the session's $1.00"},
      {{},
       chat::Purpose::Chat,
       kDollar + 1,
       "budget.session_max",
       "To raise it, set budget.session_max"},
      {{.day = 10 * kDollar}, chat::Purpose::Chat, 0, nullptr, "100 % of the day's $10.00"},
      {{.day = 10 * kDollar},
       chat::Purpose::Chat,
       1,
       "budget.day_max",
       "It begins anew at 2026-11-29 00:00 UTC"},
      {{.day = 9 * kDollar, .month = 99'999'999},
       chat::Purpose::Chat,
       2,
       "budget.month_max",
       "at 2026-12-01 00:00 UTC"},
      {{.owner_day = 5 * kDollar}, chat::Purpose::Chat, 1, "budget.token_day_max", "this token's"},
      {{.purpose_day = 2 * kDollar},
       chat::Purpose::Tool,
       1,
       "budget.tool_day_max",
       "the day's for tool"},
      {{.purpose_day = 2 * kDollar}, chat::Purpose::Chat, 1, nullptr, ""},
      {{.day = 7'999'998}, chat::Purpose::Chat, 1, nullptr, ""},
      {{.day = 7'999'999},
       chat::Purpose::Chat,
       1,
       nullptr,
       "80 % of the day's $10.00 are spent or promised"},
  };
  for (const Row& row : rows) {
    const auto made = weigh(caps, row.spent, row.purpose, row.wanted, period_of(kNow));
    ASSERT_EQ(made.ok(), row.refuses == nullptr) << row.says;
    if (made.ok()) {
      EXPECT_THAT(made.value().text, HasSubstr(row.says));
      EXPECT_EQ(made.value().text.empty(), *row.says == '\0');
    } else {
      EXPECT_EQ(made.error().code, Code::Denied);
      EXPECT_EQ(made.error().field, row.refuses);
      EXPECT_THAT(made.error().message, HasSubstr(row.says));
    }
  }
  EXPECT_TRUE(weigh({}, {.day = kMicroDollarsMax}, chat::Purpose::Chat, kDollar, {}).ok());
  const auto low = weigh({.day = 100}, {.day = 94}, chat::Purpose::Chat, 1, period_of(kNow));
  EXPECT_EQ(low.value().kind, Standing::Kind::Low);
  const auto nothing = weigh({.day = 0}, {}, chat::Purpose::Chat, 1, period_of(kNow));
  EXPECT_EQ(nothing.error().field, "budget.day_max");
}

}  // namespace
}  // namespace hearth::policy
