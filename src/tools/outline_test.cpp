#include "tools/outline.h"

#include <gtest/gtest.h>

namespace hearth::tools {
namespace {

TEST(Outline, LeavesNamesTypesAndChoices) {
  const struct {
    const char* schema;
    const char* outline;
  } kCases[] = {
      {R"({"type":"object","properties":{},"additionalProperties":false})",
       R"({"type":"object","properties":{}})"},
      {R"({"type":"object","properties":{"a":{"type":"string","minLength":1,"pattern":"x"}},
           "required":["a"],"additionalProperties":false})",
       R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"},
      {R"({"type":"object","properties":{"pattern":{"enum":["a","b"],"description":"which"},
           "list":{"type":"array","items":{"type":"integer","minimum":1},"maxItems":3}}})",
       R"({"type":"object","properties":{"pattern":{"enum":["a","b"]},)"
       R"("list":{"type":"array","items":{"type":"integer"}}}})"},
      {R"({"type":"object","properties":{"x":{"anyOf":[{"type":"null"},{"type":"object",
           "properties":{"y":{"const":1}}}]}}})",
       R"({"type":"object","properties":{"x":{"anyOf":[{"type":"null"},)"
       R"({"type":"object","properties":{"y":{"const":1}}}]}}})"},
  };
  for (const auto& one : kCases) EXPECT_EQ(outline_of(one.schema), one.outline);
}

}  // namespace
}  // namespace hearth::tools
