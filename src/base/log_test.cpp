#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace hearth {
namespace {

TEST(LogStart, KnowsItsLevels) {
  for (const char* level : {"debug", "info", "warn", "error", "off"})
    EXPECT_TRUE(log::start(level, "test").ok()) << level;
}

TEST(LogStart, RefusesOtherLevels) {
  for (const char* level : {"", "loud", "INFO "}) {
    const auto got = log::start(level, "test");
    ASSERT_FALSE(got.ok()) << level;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, "log.level");
  }
}

TEST(LogStart, WritesTimeLevelAndRole) {
  ASSERT_TRUE(log::start("info", "daemon").ok());
  testing::internal::CaptureStderr();
  log::debug("quiet");
  log::info("engine {} started", 42);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::MatchesRegex(
                        "[0-9-]+T[0-9:]+\\.[0-9]+Z info  \\[daemon\\] engine 42 started\n"));
}

TEST(CheckDeathTest, NamesTheReason) {
  HEARTH_CHECK(true, "never said");
  ASSERT_TRUE(log::start("info", "test").ok());
  EXPECT_DEATH(HEARTH_CHECK(1 > 2, "numbers are in order"), "numbers are in order");
}

}  // namespace
}  // namespace hearth
