#include "engine/prompt/prompt_memo.h"

#include <gtest/gtest.h>

namespace hearth::engine {
namespace {

std::vector<chat::Tool> tools_named(const std::string& name) {
  return {{name, "Does " + name, R"({"type":"object","properties":{"a":{"type":"string"}}})"}};
}

TEST(Recent, TheLongestUnusedGoes) {
  Recent<int> recent(2);
  recent.keep("a", 1);
  recent.keep("b", 2);
  ASSERT_TRUE(recent.find("a"));
  recent.keep("c", 3);
  EXPECT_EQ(recent.size(), 2u);
  EXPECT_FALSE(recent.find("b"));
  EXPECT_EQ(*recent.find("a"), 1);
  EXPECT_EQ(*recent.find("c"), 3);
}

TEST(PromptMemo, EqualToolsShareWhatIsMadeOfThem) {
  PromptMemo memo;
  const auto once = memo.stand_ins(tools_named("find"));
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(memo.stand_ins(tools_named("find")).value(), once.value());
  // Every text counts, and which one it is.
  std::vector<std::vector<chat::Tool>> others(4, tools_named("find"));
  others[0][0].name = "fin";
  others[0][0].description = "dDoes find";
  others[1][0].description += ".";
  others[2][0].parameters = R"({"type":"object","properties":{"b":{"type":"string"}}})";
  others[3][0].outline = R"({"type":"object"})";
  for (const auto& tools : others) {
    const auto made = memo.stand_ins(tools);
    ASSERT_TRUE(made.ok());
    EXPECT_NE(made.value(), once.value());
  }
}

TEST(PromptMemo, WhatIsWrongIsSaidEachTime) {
  PromptMemo memo;
  std::vector<chat::Tool> tools = tools_named("find");
  tools.push_back(tools[0]);
  for (int i = 0; i < 2; ++i) {
    const auto made = memo.stand_ins(tools);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().field, "tools[1].function.name");
  }
  int checks = 0;
  const auto fails = [&]() -> Result<void> {
    ++checks;
    return Error{Code::InvalidInput, "no"};
  };
  EXPECT_FALSE(memo.once("g", fails).ok());
  EXPECT_FALSE(memo.once("g", fails).ok());
  EXPECT_EQ(checks, 2);
}

TEST(PromptMemo, WhatIsSoundIsCheckedOnceWithinItsBounds) {
  PromptMemo memo;
  int checks = 0;
  const auto passes = [&]() -> Result<void> {
    ++checks;
    return ok();
  };
  const std::string longest(PromptMemo::kKeyBytesMax, 'g');
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(memo.once(longest, passes).ok());
  EXPECT_EQ(checks, 1);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(memo.once(longest + "g", passes).ok());
  EXPECT_EQ(checks, 3);
  for (std::size_t i = 0; i < PromptMemo::kEntriesMax; ++i)
    EXPECT_TRUE(memo.once(std::to_string(i), passes).ok());
  EXPECT_TRUE(memo.once(longest, passes).ok());
  EXPECT_EQ(checks, 4 + static_cast<int>(PromptMemo::kEntriesMax));
}

}  // namespace
}  // namespace hearth::engine
