#include "base/duration.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using std::chrono::milliseconds;

TEST(ParseDuration, Accepts) {
  struct Case {
    const char* text;
    milliseconds want;
  };
  const Case kCases[] = {
      {"0s", milliseconds(0)},           {"1ms", milliseconds(1)},
      {"250ms", milliseconds(250)},      {"30s", milliseconds(30'000)},
      {"5m", milliseconds(300'000)},     {"2h", milliseconds(7'200'000)},
      {"24h", milliseconds(86'400'000)}, {"86400000ms", milliseconds(86'400'000)},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_duration(c.text);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got.value(), c.want);
  }
}

TEST(ParseDuration, Refuses) {
  struct Case {
    const char* text;
    Code want;
  };
  const Case kCases[] = {
      {"", Code::InvalidInput},
      {" 1s", Code::InvalidInput},
      {"1s ", Code::InvalidInput},
      {"-1s", Code::InvalidInput},
      {"-0s", Code::InvalidInput},
      {"+1s", Code::InvalidInput},
      {"1", Code::InvalidInput},
      {"s", Code::InvalidInput},
      {"1d", Code::InvalidInput},
      {"1.5s", Code::InvalidInput},
      {"1S", Code::InvalidInput},
      {"1s1s", Code::InvalidInput},
      {"25h", Code::TooLarge},
      {"1441m", Code::TooLarge},
      {"86401s", Code::TooLarge},
      {"86400001ms", Code::TooLarge},
      {"99999999999999999999s", Code::TooLarge},
      {"9223372036854775807h", Code::TooLarge},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_duration(c.text);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, c.want);
  }
}

TEST(ParseDuration, NamesTheText) {
  EXPECT_NE(parse_duration("soon").error().message.find("'soon'"), std::string::npos);
}

}  // namespace
}  // namespace hearth
