#include "base/utf8.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(IsUtf8, Table) {
  struct Case {
    const char* what;
    std::string_view text;
    bool want;
  };
  const Case kCases[] = {
      {"empty", "", true},
      {"ascii", "hello", true},
      {"NUL", std::string_view("\0", 1), true},
      {"first and last of 2 bytes", "\xC2\x80\xDF\xBF", true},
      {"first and last of 3 bytes", "\xE0\xA0\x80\xEF\xBF\xBF", true},
      {"first and last of 4 bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", true},
      {"around the surrogates", "\xED\x9F\xBF\xEE\x80\x80", true},
      {"lone continuation", "\x80", false},
      {"overlong 2", "\xC0\x80", false},
      {"overlong 2, last", "\xC1\xBF", false},
      {"overlong 3", "\xE0\x9F\xBF", false},
      {"overlong 4", "\xF0\x8F\xBF\xBF", false},
      {"first surrogate", "\xED\xA0\x80", false},
      {"last surrogate", "\xED\xBF\xBF", false},
      {"above U+10FFFF", "\xF4\x90\x80\x80", false},
      {"lead F5", "\xF5\x80\x80\x80", false},
      {"lead FF", "\xFF", false},
      {"cut off", "a\xE2\x82", false},
      {"broken inside", "\xE2\x28\xA1", false},
      {"broken at the end", "\xF0\x9F\x98\x28", false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(is_utf8(c.text), c.want);
  }
}

TEST(Utf8CompleteBytes, HoldsBackWhatMayStillBecomeACharacter) {
  struct Case {
    std::string_view text;
    std::size_t want;
  };
  const Case kCases[] = {
      {"", 0},
      {"abc", 3},
      {"a\xC3", 1},
      {"a\xC3\xA9", 3},
      {"a\xE2", 1},
      {"a\xE2\x82", 1},
      {"a\xE2\x82\xAC", 4},
      {"\xF0", 0},
      {"\xF0\x9F\x98", 0},
      {"\xF0\x9F\x98\x80", 4},
      {"a\x80\x80\x80", 4},     // ill-formed counts as complete
      {"\xE2\x82\xAC\x82", 4},  // and so does a stray continuation
      {"\xC0", 1},              // can never become well-formed
      {"\xED\xA0", 2},          // a surrogate: neither
      {"\xC3\xC3", 1},          // the first is ill-formed, the second may go on
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::PrintToString(c.text));
    EXPECT_EQ(utf8_complete_bytes(c.text), c.want);
  }
}

TEST(Utf8CompleteBytes, AStreamOfSingleBytesNeverCutsACharacter) {
  const std::string text = "z\u00e9\u20ac\U0001F600!";
  std::string pending, shown;
  for (const char byte : text) {
    pending += byte;
    const std::size_t complete = utf8_complete_bytes(pending);
    EXPECT_TRUE(is_utf8(pending.substr(0, complete)));
    shown += pending.substr(0, complete);
    pending.erase(0, complete);
  }
  EXPECT_EQ(shown, text);
  EXPECT_EQ(pending, "");
}

TEST(ToUtf8, ReplacesIllFormedSequencesOnly) {
  EXPECT_EQ(to_utf8("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(to_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(to_utf8("a\xE2\x82"), "a\xEF\xBF\xBD");
  EXPECT_EQ(to_utf8("\xE2\x28"), "\xEF\xBF\xBD(");
  EXPECT_EQ(to_utf8(""), "");
}

TEST(ToUtf8, AlwaysGivesUtf8) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      ASSERT_TRUE(is_utf8(to_utf8(text))) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace hearth
