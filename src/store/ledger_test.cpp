#include "store/ledger.h"

#include <future>

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::soon;

class LedgerTest : public testing::StoreFixture {
 protected:
  Ledger ledger() { return {*store_, time_}; }
  static Expense expense(const std::string& session = "s", const std::string& owner = "ann") {
    return {.owner = owner, .session_id = session, .provider = "acme", .model = "large"};
  }
  Since since() const { return {.day_ms = time_.ms() - 1'000, .month_ms = time_.ms() - 10'000}; }
  static Result<void> anything(const Totals&) { return ok(); }
  std::int64_t reserve(std::int64_t worst, const Expense& of = expense()) {
    return ledger().reserve(soon(), of, worst, since(), anything).value();
  }
  Totals totals(const Expense& of = expense()) {
    return ledger().totals(soon(), of, since()).value();
  }
};

TEST_F(LedgerTest, WhatIsPromisedCountsUntilItIsKnown) {
  const auto id = reserve(500);
  EXPECT_EQ(totals().day_micro, 500);
  ASSERT_TRUE(ledger().settle(soon(), id, 120, {.input_tokens = 10, .output_tokens = 3}).ok());
  EXPECT_EQ(totals().day_micro, 120);
  const auto unused = reserve(70);
  ASSERT_TRUE(ledger().release(soon(), unused).ok());
  EXPECT_EQ(totals().month_micro, 120);
  // It ends once.
  EXPECT_EQ(ledger().settle(soon(), id, 1, {}).error().code, Code::InvalidInput);
  EXPECT_EQ(ledger().release(soon(), id).error().code, Code::InvalidInput);
  EXPECT_EQ(ledger().settle(soon(), 99, 1, {}).error().code, Code::NotFound);
  EXPECT_EQ(ledger().settle(soon(), id, -1, {}).error().field, "cost_micro");
  EXPECT_FALSE(ledger().reserve(soon(), expense(), -1, since(), anything).ok());
}

TEST_F(LedgerTest, SumsAreMadeForWhomAndWhenTheyAreMeant) {
  Expense tool = expense("other", "bob");
  tool.purpose = chat::Purpose::Tool;
  reserve(1);
  reserve(10, expense("other"));
  reserve(100, tool);
  const Totals sums = totals();
  EXPECT_EQ(sums.day_micro, 111);
  EXPECT_EQ(sums.session_micro, 1);
  EXPECT_EQ(sums.owner_day_micro, 11);
  EXPECT_EQ(sums.purpose_day_micro, 11);
  EXPECT_EQ(totals(tool).purpose_day_micro, 100);
  EXPECT_EQ(totals(expense("")).session_micro, 0);
  time_.advance(Millis(1'001));  // another day, the same month
  EXPECT_EQ(totals().day_micro, 0);
  EXPECT_EQ(totals().month_micro, 111);
  EXPECT_EQ(totals().session_micro, 1);
}

TEST_F(LedgerTest, ManyAtOnceExceedNoCap) {
  constexpr std::int64_t kCap = 1'000, kEach = 90;
  const auto within = [](const Totals& sums) -> Result<void> {
    return sums.day_micro + kEach <= kCap ? ok()
                                          : Result<void>(Error{Code::Denied, "no more", "day"});
  };
  std::vector<std::future<bool>> callers;
  for (int i = 0; i < 50; ++i)
    callers.push_back(std::async(std::launch::async, [&] {
      return ledger().reserve(soon(), expense(), kEach, since(), within).ok();
    }));
  int allowed = 0;
  for (auto& caller : callers) allowed += caller.get() ? 1 : 0;
  EXPECT_EQ(allowed, kCap / kEach);
  EXPECT_EQ(totals().day_micro, kCap / kEach * kEach);
}

TEST_F(LedgerTest, WhatACrashLeftCostsTheMost) {
  reserve(300);
  const auto settled = reserve(200);
  ASSERT_TRUE(ledger().settle(soon(), settled, 5, {}).ok());
  reopen();
  EXPECT_EQ(ledger().settle_lost(soon()).value(), 1u);
  EXPECT_EQ(ledger().settle_lost(soon()).value(), 0u);
  EXPECT_EQ(totals().day_micro, 305);
}

TEST_F(LedgerTest, TheKillSwitchHoldsOverARestart) {
  EXPECT_FALSE(ledger().stopped(soon()).value());
  const auto running = reserve(10);
  ASSERT_TRUE(ledger().stop(soon(), "too dear").ok());
  ASSERT_TRUE(ledger().stop(soon(), "again").ok());
  reopen();
  const auto stopped = ledger().stopped(soon()).value();
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->why, "too dear");
  const auto refused = ledger().reserve(soon(), expense(), 1, since(), anything);
  EXPECT_EQ(refused.error().code, Code::Denied);
  EXPECT_THAT(refused.error().message, HasSubstr("too dear"));
  // What runs is counted all the same, and what costs nothing goes on.
  EXPECT_TRUE(ledger().settle(soon(), running, 4, {}).ok());
  EXPECT_TRUE(ledger().record_free(soon(), expense(), {}).ok());
  ASSERT_TRUE(ledger().go_on(soon()).ok());
  EXPECT_TRUE(ledger().reserve(soon(), expense(), 1, since(), anything).ok());
}

TEST_F(LedgerTest, Reports) {
  Expense local = expense();
  local.provider = "local";
  local.model = "ember";
  ASSERT_TRUE(
      ledger()
          .record_free(soon(), local, {.input_tokens = 7, .output_tokens = 2, .computed_ms = 40})
          .ok());
  ASSERT_TRUE(ledger().record_free(soon(), local, {.input_tokens = 1, .computed_ms = 2}).ok());
  const auto id = reserve(50);
  ASSERT_TRUE(ledger().settle(soon(), id, 30, {.input_tokens = 5}).ok());
  ASSERT_TRUE(ledger().release(soon(), reserve(9)).ok());
  const auto models = ledger().report(soon(), "ann", Ledger::By::Model, 0).value();
  ASSERT_THAT(models, SizeIs(2));
  EXPECT_EQ(models[0].key, "acme/large");
  EXPECT_EQ(models[0].cost_micro, 30);
  EXPECT_EQ(models[0].calls, 1u);
  EXPECT_EQ(models[1].key, "local/ember");
  EXPECT_EQ(models[1].calls, 2u);
  EXPECT_EQ(models[1].consumption.input_tokens, 8u);
  EXPECT_EQ(models[1].consumption.computed_ms, 42u);
  const auto days = ledger().report(soon(), "ann", Ledger::By::Day, 0).value();
  ASSERT_THAT(days, SizeIs(1));
  EXPECT_EQ(days[0].key, "2023-11-14");
  EXPECT_EQ(days[0].calls, 3u);
  EXPECT_THAT(ledger().report(soon(), "bob", Ledger::By::Model, 0).value(), SizeIs(0));
  EXPECT_THAT(ledger().report(soon(), "ann", Ledger::By::Session, time_.ms() + 1).value(),
              SizeIs(0));
}

TEST_F(LedgerTest, NamesHaveBounds) {
  Expense most = expense(std::string(Ledger::kNameBytesMax, 's'));
  EXPECT_TRUE(ledger().record_free(soon(), most, {}).ok());
  most.session_id += "s";
  EXPECT_EQ(ledger().record_free(soon(), most, {}).error().field, "session_id");
  Expense nameless = expense();
  nameless.model = "";
  EXPECT_EQ(ledger().record_free(soon(), nameless, {}).error().field, "model");
  EXPECT_TRUE(ledger().stop(soon(), std::string(Ledger::kWhyBytesMax, 'w')).ok());
  EXPECT_EQ(ledger().stop(soon(), std::string(Ledger::kWhyBytesMax + 1, 'w')).error().field, "why");
}

}  // namespace
}  // namespace hearth::store
