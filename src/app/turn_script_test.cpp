#include "app/turn_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::app {
namespace {

using ::testing::HasSubstr;

TEST(TurnScript, SaysWhatHappensInOrder) {
  const auto read = read_turn_script(R"({
    "about": "a test",
    "files": {"a.txt": "A", "b/c.txt": ""},
    "says": [{"calls": [{"name": "read_file", "arguments": {"path": "a.txt"}},
                        {"name": "x", "arguments": "no JSON"}, {"name": "y"}]}, {"text": "A."}],
    "turns": [{"message": "Read", "decide": ["allow", "deny"], "expect": ["user: Read"],
               "ends": "failed"}, {"message": "Again"}],
    "files_after": {"a.txt": null},
    "rows": [{"sql": "SELECT 1", "gives": ["1"]}]})");
  ASSERT_TRUE(read.ok()) << read.error().message;
  const TurnScript& script = read.value();
  EXPECT_EQ(script.about, "a test");
  ASSERT_EQ(script.files.size(), 2u);
  EXPECT_EQ(script.files[0].path, "a.txt");
  EXPECT_EQ(script.files[0].content, "A");
  ASSERT_TRUE(script.says);
  ASSERT_EQ(script.says->size(), 2u);
  const auto& calls = script.says->front().tool_calls;
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].arguments, R"({"path":"a.txt"})");
  EXPECT_EQ(calls[1].arguments, "no JSON");
  EXPECT_EQ(calls[2].arguments, "{}");
  EXPECT_NE(calls[0].id, calls[1].id);
  EXPECT_EQ(script.says->back().content, "A.");
  ASSERT_EQ(script.turns.size(), 2u);
  EXPECT_EQ(script.turns[0].decide, (std::vector<bool>{true, false}));
  EXPECT_EQ(script.turns[0].ends, "failed");
  EXPECT_EQ(script.turns[1].ends, "done");
  EXPECT_FALSE(script.turns[1].expect);
  EXPECT_FALSE(script.files_after.at(0).content);
  EXPECT_EQ(script.rows.at(0).gives, std::vector<std::string>{"1"});
}

TEST(TurnScript, WithoutAnswersTheConfiguredModelIsMeant) {
  EXPECT_FALSE(read_turn_script(R"({"turns": [{"message": "a"}]})").value().says);
  EXPECT_TRUE(read_turn_script(R"({"says": [], "turns": [{"message": "a"}]})").value().says);
}

TEST(TurnScript, WhatIsWrongIsSaidWithItsField) {
  const std::string long_name(65, 'n');
  const std::pair<std::string, const char*> kCases[] = {
      {"", "script"},
      {"[]", "object"},
      {R"({"turns": []})", "turns"},
      {R"({"turns": 5})", "turns"},
      {R"({"turns": [{"message": 5}]})", "turns[0].message"},
      {R"({"turns": [{"message": "a", "decide": ["maybe"]}]})", "turns[0].decide"},
      {R"({"turns": [{"message": "a", "expect": [5]}]})", "turns[0].expect[0]"},
      {R"({"turns": [{"message": "a", "ends": "never"}]})", "turns[0].ends"},
      {R"({"turns": [{"message": "a"}], "files": []})", "files"},
      {R"({"turns": [{"message": "a"}], "files": {"x": 5}})", "files.x"},
      {R"({"turns": [{"message": "a"}], "says": [5]})", "says[0]"},
      {R"({"turns": [{"message": "a"}], "says": [{"calls": [{"name": ""}]}]})",
       "says[0].calls[0].name"},
      {R"({"turns": [{"message": "a"}], "says": [{"calls": [{"name": ")" + long_name + R"("}]}]})",
       "says[0].calls[0].name"},
      {R"({"turns": [{"message": "a"}], "rows": [{"gives": []}]})", "rows[0].sql"}};
  for (const auto& [text, field] : kCases) {
    const auto read = read_turn_script(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_THAT(read.error().message, HasSubstr(field)) << text;
  }
}

TEST(TurnScript, HasBounds) {
  const auto with_turns = [](std::size_t count) {
    std::string text = R"({"turns": [)";
    for (std::size_t i = 0; i < count; ++i)
      text += std::string(i > 0 ? "," : "") + R"({"message": "a"})";
    return read_turn_script(text + "]}");
  };
  EXPECT_TRUE(with_turns(kScriptPartsMax).ok());
  EXPECT_FALSE(with_turns(kScriptPartsMax + 1).ok());
  const std::string start = R"({"about": ")", end = R"(", "turns": [{"message": "a"}]})";
  const auto of_size = [&](std::size_t bytes) {
    return read_turn_script(start + std::string(bytes - start.size() - end.size(), 'a') + end);
  };
  EXPECT_TRUE(of_size(kScriptBytesMax).ok());
  EXPECT_EQ(of_size(kScriptBytesMax + 1).error().code, Code::TooLarge);
}

}  // namespace
}  // namespace hearth::app
