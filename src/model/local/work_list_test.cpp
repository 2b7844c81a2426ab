#include "model/local/work_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/local/backoff.h"

namespace hearth::model::local {
namespace {

constexpr TimeLimits kLimits{.token_timeout = Millis(60'000),
                             .request_timeout = Millis(600'000),
                             .cancel_grace = Millis(30'000)};
const Clock::time_point kStart{std::chrono::hours(1)};

Clock::time_point at(std::int64_t ms) { return kStart + Millis(ms); }

class Silent final : public EventSink {
 public:
  void on_event(const chat::Event&) override {}
};

WorkPointer add(WorkList& works, std::uint64_t id, std::int64_t ms = 0, bool started = false) {
  auto work = std::make_shared<Work>(id, std::make_shared<Silent>(), at(ms));
  work->started = started;
  works.add(work);
  return work;
}

TEST(WorkList, AStartedGenerationMayBeSilentForTheTokenTimeout) {
  WorkList works(kLimits);
  const auto work = add(works, 1, 0, true);
  EXPECT_EQ(works.next_deadline(), at(60'000));
  EXPECT_TRUE(works.take_overdue(at(59'999)).empty());
  work->last_event = at(10'000);
  EXPECT_TRUE(works.take_overdue(at(69'999)).empty());
  const auto overdue = works.take_overdue(at(70'000));
  ASSERT_EQ(overdue.size(), 1u);
  EXPECT_EQ(overdue[0].error.code, Code::Timeout);
  EXPECT_EQ(overdue[0].error.message, "no token for 60 s");
  EXPECT_EQ(works.size(), 0u);
}

TEST(WorkList, AWaitingGenerationWaitsWhileOthersRun) {
  WorkList works(kLimits);
  const auto running = add(works, 1, 0, true);
  add(works, 2);
  running->last_event = at(599'000);
  EXPECT_TRUE(works.take_overdue(at(599'999)).empty());
  const auto overdue = works.take_overdue(at(600'000));
  ASSERT_EQ(overdue.size(), 2u);
  EXPECT_EQ(overdue[0].error.message, "the answer was not complete within 600 s");
  EXPECT_EQ(overdue[1].error.message, "the model had no free slot within 600 s");
}

TEST(WorkList, AWaitingGenerationMustStartSoonWhenTheEngineIsFree) {
  WorkList works(kLimits);
  works.heard(at(5'000));
  add(works, 1, 0);
  EXPECT_EQ(works.next_deadline(), at(65'000));
  works.set_other_requests(1);
  EXPECT_EQ(works.next_deadline(), at(600'000));
  works.set_other_requests(0);
  EXPECT_TRUE(works.take_overdue(at(64'999)).empty());
  EXPECT_EQ(works.take_overdue(at(65'000)).size(), 1u);
}

TEST(WorkList, WhatIsCancelledMustBeAnsweredWithinTheGrace) {
  WorkList works(kLimits);
  add(works, 1);
  EXPECT_NE(works.cancel(1, at(1'000)), nullptr);
  EXPECT_EQ(works.cancel(1, at(1'001)), nullptr);
  EXPECT_EQ(works.next_deadline(), at(31'000));
  EXPECT_FALSE(works.wedged(at(30'999)));
  EXPECT_TRUE(works.wedged(at(31'000)));
  works.settle(1);
  EXPECT_FALSE(works.wedged(at(31'000)));
  EXPECT_EQ(works.next_deadline(), Clock::time_point::max());
}

TEST(WorkList, OverdueWorkIsOwedAnAnswerToo) {
  WorkList works(kLimits);
  add(works, 1, 0, true);
  EXPECT_EQ(works.take_overdue(at(60'000)).size(), 1u);
  EXPECT_TRUE(works.take_overdue(at(60'000)).empty());
  EXPECT_TRUE(works.wedged(at(90'000)));
}

TEST(WorkList, ANewEngineOwesNothing) {
  WorkList works(kLimits);
  add(works, 1);
  add(works, 2);
  works.cancel(2, at(0));
  works.owe(3, at(0));
  EXPECT_EQ(works.clear().size(), 1u);
  EXPECT_EQ(works.next_deadline(), Clock::time_point::max());
}

TEST(WorkList, WhatWasNotSentIsSilentOnlyForTheRequestTimeoutAndOwesNothing) {
  WorkList works(kLimits);
  add(works, 1)->unsent.emplace();
  add(works, 2)->unsent.emplace();
  EXPECT_EQ(works.next_deadline(), at(600'000));
  EXPECT_NE(works.cancel(2, at(0)), nullptr);
  EXPECT_FALSE(works.wedged(at(600'000)));
  const auto overdue = works.take_overdue(at(600'000));
  ASSERT_EQ(overdue.size(), 1u);
  EXPECT_EQ(overdue[0].error.message, "the model was not loaded within 600 s");
  EXPECT_EQ(works.next_deadline(), Clock::time_point::max());
}

TEST(WorkList, WhatWasNotSentOutlivesAnEngineAndLeavesInOrder) {
  WorkList works(kLimits);
  add(works, 1);
  const auto second = add(works, 2), third = add(works, 3);
  third->unsent.emplace();
  second->unsent.emplace();
  EXPECT_EQ(works.take_sent().size(), 1u);
  EXPECT_EQ(works.first_unsent(), second);
  second->unsent.reset();
  EXPECT_EQ(works.first_unsent(), third);
  EXPECT_EQ(works.clear().size(), 2u);
  EXPECT_EQ(works.first_unsent(), nullptr);
}

TEST(WorkList, CountsByAccount) {
  WorkList works(kLimits);
  add(works, 1);
  works.add(std::make_shared<Work>(2, std::make_shared<Silent>(), at(0), 77));
  EXPECT_EQ(works.size_of(0), 1u);
  EXPECT_EQ(works.size_of(77), 1u);
  EXPECT_EQ(works.size_of(78), 0u);
}

TEST(Backoff, DoublesUpToItsMaximumAndForgetsAfterAHealthyMinute) {
  Backoff backoff;
  for (const int seconds : {0, 1, 2, 4, 8, 16, 30, 30})
    EXPECT_EQ(backoff.next(Millis(0)), Millis(seconds * 1'000));
  EXPECT_EQ(backoff.next(Millis(59'999)), Millis(30'000));
  EXPECT_EQ(backoff.next(Millis(60'000)), Millis(0));
  EXPECT_EQ(backoff.next(Millis(0)), Millis(1'000));
}

}  // namespace
}  // namespace hearth::model::local
