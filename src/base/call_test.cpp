#include "base/call.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(Call, IsNarrowedNeverWidened) {
  const Call call = Call::within(Millis(1'000));
  EXPECT_LT(call.at_most(Millis(10)).deadline, call.deadline);
  EXPECT_EQ(call.at_most(Millis(3'600'000)).deadline, call.deadline);
}

TEST(Call, KeepsItsStopWhenNarrowed) {
  std::stop_source stop;
  const Call call = Call::within(Millis(1'000), stop.get_token()).at_most(Millis(10));
  EXPECT_FALSE(call.stop.stop_requested());
  stop.request_stop();
  EXPECT_TRUE(call.stop.stop_requested());
}

}  // namespace
}  // namespace hearth
