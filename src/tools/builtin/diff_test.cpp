#include "tools/builtin/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::tools {
namespace {

TEST(UnifiedDiff, Table) {
  struct Case {
    const char *before, *after, *body;
  };
  const Case kCases[] = {
      {"a\n", "a\n", ""},
      {"", "", ""},
      {"", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
      {"a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"},
      {"a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n"},
      {"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
       "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "A\n2\n3\n4\n5\n6\n7\n8\nB\n",
       "@@ -1,4 +1,4 @@\n-1\n+A\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+B\n"},
      {"a\nb\nc\n", "a\nc\n", "@@ -1,3 +1,2 @@\n a\n-b\n c\n"},
      {"a\xff\n", "b\n", "@@ -1 +1 @@\n-a\xef\xbf\xbd\n+b\n"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.after);
    const std::string head = *c.body ? "--- f\n+++ f\n" : "";
    EXPECT_EQ(unified_diff("f", c.before, c.after), head + c.body);
  }
}

TEST(UnifiedDiff, ManyDifferentLinesAreShownAsAWhole) {
  std::string a, b;
  for (std::size_t i = 0; i <= kDiffLinesMax; ++i) {
    a += "a" + std::to_string(i) + "\nsame\n";
    b += "b" + std::to_string(i) + "\nsame\n";
  }
  const std::string diff = unified_diff("f", a, b);
  EXPECT_THAT(diff, testing::HasSubstr("-a0\n-same\n-a1\n"));
  EXPECT_THAT(diff, testing::HasSubstr("+b0\n+same\n"));
}

}  // namespace
}  // namespace hearth::tools
