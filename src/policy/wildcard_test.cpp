#include "policy/wildcard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::policy {
namespace {

using ::testing::HasSubstr;

TEST(Wildcard, Table) {
  struct Case {
    const char *pattern, *text;
    bool want;
  };
  const Case kCases[] = {
      {"a.txt", "a.txt", true},
      {"a.txt", "aXtxt", false},
      {"a.txt", "A.txt", false},
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "a.txt", true},
      {"*", "src/a.txt", false},
      {"src/*", "src/a.txt", true},
      {"src/*", "src/deep/a.txt", false},
      {"src/*", "src/", true},
      {"src/*.cpp", "src/a.cpp", true},
      {"src/*.cpp", "src/a.cpp.sh", false},
      {"*.cpp", "dir/a.cpp", false},
      {"a*b*c", "aXbYc", true},
      {"a*b*c", "aXbYcZ", false},
      {"**", "", true},
      {"**", "src/deep/a.txt", true},
      {"src/**", "src/deep/a.txt", true},
      {"src/**", "src", false},
      {"src/**", "srcs/a", false},
      {"**/a.txt", "a.txt", true},
      {"**/a.txt", "x/y/a.txt", true},
      {"**/a.txt", "x/ya.txt", false},
      {"src/**/a.txt", "src/a.txt", true},
      {"src/**/a.txt", "src/x/y/a.txt", true},
      {"src/**/a.txt", "src/xa.txt", false},
      {"**/**/a", "a", true},
      {"**/*.md", "docs/a.md", true},
      {"a**/b", "axx/y/b", true},
      {"a**/b", "a/b", true},
      {"a**/b", "ab", false},
      {"***", "x/y", true},
      {"?", "a", true},
      {"?", "", false},
      {"?", "/", false},
      {"?", "\xc3\xa9", true},  // one character of two bytes
      {"??", "\xc3\xa9", false},
      {"?", "\xff", true},  // no UTF-8: one broken byte
      {"*", "a\nb", true},  // a line's end in a name is a character
      {"**", "a\n/b", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"\\a", "a", true},
      {"[ab]", "a", false},
      {"[ab]", "[ab]", true},
      {"a+(b)|c{2}^$", "a+(b)|c{2}^$", true},
      {"caf\xc3\xa9/*", "caf\xc3\xa9/x", true},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.pattern) + " on " + c.text);
    EXPECT_EQ(Wildcard::make(c.pattern).value().describes(c.text), c.want);
  }
}

TEST(Wildcard, QuotedDescribesItselfOnly) {
  for (const char* text : {"a*b?c\\d", "plain", "**", "\xc3\xa9*"}) {
    const Wildcard pattern = Wildcard::make(Wildcard::quoted(text)).value();
    EXPECT_TRUE(pattern.describes(text));
    EXPECT_FALSE(pattern.describes(std::string(text) + "x"));
  }
  EXPECT_FALSE(Wildcard::make(Wildcard::quoted("a*b")).value().describes("axb"));
}

TEST(Wildcard, RefusesWhatIsNoPattern) {
  const std::pair<std::string, std::string> kBad[] = {
      {"a\\", "ends in"},
      {"\xff", "UTF-8"},
      {std::string(Wildcard::kPatternBytesMax + 1, 'a'), "1025 bytes; at most 1024"},
  };
  for (const auto& [pattern, says] : kBad) {
    const auto made = Wildcard::make(pattern);
    ASSERT_FALSE(made.ok()) << says;
    EXPECT_EQ(made.error().code, Code::InvalidInput);
    EXPECT_EQ(made.error().field, "pattern");
    EXPECT_THAT(made.error().message, HasSubstr(says));
  }
}

// A matcher that tries again for each star would not end before the test's limit.
TEST(Wildcard, HostilePatternsEndSoon) {
  std::string stars, folders;
  while (stars.size() + 2 < Wildcard::kPatternBytesMax) stars += "*a";
  while (folders.size() + 5 < Wildcard::kPatternBytesMax) folders += "**/";
  const std::string text = std::string(4'000, 'a') + "b";
  std::string path;
  while (path.size() < 4'000) path += "a/";
  EXPECT_FALSE(Wildcard::make(stars).value().describes(text));
  EXPECT_FALSE(Wildcard::make(folders + "b").value().describes(path));
  EXPECT_TRUE(Wildcard::make(folders + "**").value().describes(path));
  EXPECT_TRUE(Wildcard::make(std::string(Wildcard::kPatternBytesMax, '?'))
                  .value()
                  .describes(std::string(Wildcard::kPatternBytesMax, 'x')));
}

TEST(Regex, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string pattern, says;
  };
  const Case kCases[] = {
      {"a(b", "at byte"},
      {"abc[z-a]", "invalid character class range: z-a at byte 4"},
      {"a**", "bad repetition operator: ** at byte 1"},
      {"(?=x)", "at byte 0"},
      {"((a{1000}){1000}){1000}", "pattern"},
      {"\xff", "UTF-8"},
      {std::string(Regex::kPatternBytesMax + 1, 'a'), "at most 1024"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.pattern);
    const auto made = Regex::make(c.pattern);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::InvalidInput);
    EXPECT_EQ(made.error().field, "pattern");
    EXPECT_THAT(made.error().message, HasSubstr(c.says));
  }
  // Each part is small; all of them together are not.
  std::string large;
  while (large.size() + 20 < Regex::kPatternBytesMax) large += "(\\pL{1,50}){1,9}x";
  const auto made = Regex::make(large);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("when compiled"));
}

TEST(Regex, DescribesAllOrFindsAPart) {
  const Regex regex = Regex::make("b.c").value();
  EXPECT_TRUE(regex.describes("b\nc"));
  EXPECT_FALSE(regex.describes("ab.c"));
  EXPECT_TRUE(regex.is_found_in("ab.cd"));
  EXPECT_TRUE(Regex::make("B", {.ignores_case = true}).value().is_found_in("abc"));
  EXPECT_TRUE(
      regex.is_found_in("\xff"
                        "bxc"));
  EXPECT_FALSE(Regex::make("(a*)*b").value().describes(std::string(100'000, 'a')));
}

}  // namespace
}  // namespace hearth::policy
