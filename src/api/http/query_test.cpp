#include "api/http/query.h"

#include <gtest/gtest.h>

namespace hearth::api {
namespace {

TEST(Query, FindsAndDecodesText) {
  struct Case {
    const char* query;
    std::optional<std::string> want;
  };
  const Case kCases[] = {
      {"", {}},
      {"limit=2", {}},
      {"qq=1&xq=2", {}},
      {"q=", ""},
      {"q", ""},
      {"q=one", "one"},
      {"limit=2&q=one+two", "one two"},
      {"q=one%20two&q=three", "one two"},
      {"q=1%2B1%3D2", "1+1=2"},
      {"q=a=b", "a=b"},
      {"q=%22it%27s%3F%22+OR+*", "\"it's?\" OR *"},
      {"&&q=x&&", "x"},
  };
  for (const Case& c : kCases) EXPECT_EQ(query_text(c.query, "q").value(), c.want) << c.query;
}

TEST(Query, NamesTheFieldThatCannotBeDecoded) {
  for (const char* query : {"q=%", "q=100%", "q=%zz", "q=%00"}) {
    const auto got = query_text(query, "q");
    ASSERT_FALSE(got.ok()) << query;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, "q");
  }
}

TEST(Query, ReadsNumbersUpToTheirBound) {
  EXPECT_EQ(query_number("", "limit", 7, 50).value(), 7u);
  EXPECT_EQ(query_number("skip=3&limit=0", "limit", 7, 50).value(), 0u);
  EXPECT_EQ(query_number("limit=50", "limit", 7, 50).value(), 50u);
  for (const char* query : {"limit=51", "limit=", "limit", "limit=-1", "limit=1x", "limit=%31"}) {
    const auto got = query_number(query, "limit", 7, 50);
    ASSERT_FALSE(got.ok()) << query;
    EXPECT_EQ(got.error().field, "limit");
  }
}

}  // namespace
}  // namespace hearth::api
