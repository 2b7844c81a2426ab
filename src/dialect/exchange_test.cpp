#include "dialect/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace hearth::dialect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProviderError, SaysWhatToDoNext) {
  struct Case {
    int status;
    Code code;
  };
  const Case kCases[] = {
      {400, Code::InvalidInput}, {401, Code::Denied},      {402, Code::Denied},
      {403, Code::Denied},       {404, Code::NotFound},    {405, Code::InvalidInput},
      {408, Code::Timeout},      {409, Code::Busy},        {413, Code::TooLarge},
      {422, Code::InvalidInput}, {429, Code::Busy},        {499, Code::InvalidInput},
      {500, Code::Unavailable},  {502, Code::Unavailable}, {503, Code::Unavailable},
      {504, Code::Timeout},      {529, Code::Unavailable}, {302, Code::Unavailable},
      {0, Code::Unavailable},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.status);
    EXPECT_EQ(provider_error(c.status, "x").code, c.code);
  }
}

TEST(ProviderError, QuotesNoKeyAndNotTooMuch) {
  EXPECT_THAT(provider_error(401, "Incorrect API key provided: sk-secret").message,
              Not(HasSubstr("sk-")));
  const std::string cut = provider_error(500, std::string(kSaidBytesMax - 1, 'x') + "é").message;
  EXPECT_TRUE(is_utf8(cut));
  EXPECT_TRUE(cut.ends_with("…"));
}

TEST(Lost, IsBounded) {
  Lost lost;
  lost.add("a", std::string(kLostBytesMax - 3, 'x'));
  EXPECT_TRUE(lost.lines().back().ends_with("x"));
  EXPECT_EQ(lost.lines().back().size(), kLostBytesMax);
  lost.add("a", std::string(kLostBytesMax - 8, 'x') + "日本日本");
  EXPECT_TRUE(lost.lines().back().ends_with("…"));
  EXPECT_TRUE(is_utf8(lost.lines().back()));
  EXPECT_LE(lost.lines().back().size(), kLostBytesMax);
  lost.add("a", "once");
  lost.add("a", "once");
  EXPECT_EQ(lost.lines().size(), 3u);
  for (std::size_t i = 0; i < 2 * kLostMax; ++i) lost.add(std::to_string(i), "is lost");
  EXPECT_EQ(lost.lines().size(), kLostMax);
  EXPECT_EQ(lost.lines().back(), "…");
  EXPECT_NE(lost.lines()[kLostMax - 2], "…");
  Lost other;
  other.add("b", "too");
  other.add_all(lost);
  EXPECT_EQ(other.lines().size(), kLostMax);
}

}  // namespace
}  // namespace hearth::dialect
