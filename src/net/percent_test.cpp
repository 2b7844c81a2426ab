#include "net/percent.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

TEST(Percent, DecodesEscapesOnly) {
  struct Case {
    const char *text, *want;
  };
  const Case kCases[] = {{"", ""},         {"plain", "plain"}, {"a%20b", "a b"},
                         {"a+b", "a+b"},   {"%C3%a9", "é"},    {"%25%3F%27%22", "%?'\""},
                         {"%2525", "%25"}, {"%ff", "\xff"}};
  for (const Case& c : kCases) EXPECT_EQ(percent_decoded(c.text, "q").value(), c.want) << c.text;
}

TEST(Percent, NamesWhatIsBroken) {
  for (const char* text : {"%", "%4", "%4g", "a%zz", "%00", "x%00y"}) {
    const auto got = percent_decoded(text, "the path");
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_TRUE(got.error().message.starts_with("the path ")) << got.error().message;
  }
}

TEST(Percent, EncodesSoThatNothingHasAMeaning) {
  EXPECT_EQ(percent_encoded("work-1_~"), "work-1_~");
  EXPECT_EQ(percent_encoded("a b/c?d=e&f#g%"), "a%20b%2Fc%3Fd%3De%26f%23g%25");
  EXPECT_EQ(percent_encoded(".."), "%2E%2E");
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decoded(percent_encoded(all), "q").value(), all);
}

}  // namespace
}  // namespace hearth::net
