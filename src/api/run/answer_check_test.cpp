#include "api/run/answer_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kSchema =
    R"x({"type":"object","properties":{"a":{"type":"string","pattern":"^(?i)abc$"}},)x"
    R"x("required":["a"]})x";

chat::Request request_with(const std::string& schema) {
  chat::Conversation talk;
  talk.tools = {{"f", "", schema}, {"g", "", "{}"}};
  return {.prompt = talk};
}

chat::Message calling(std::vector<chat::ToolCall> calls) {
  return {.role = chat::Role::Assistant, .content = "", .tool_calls = std::move(calls)};
}

TEST(AnswerCheck, NamesTheFirstFaultOfEachCall) {
  const AnswerCheck check(request_with(kSchema));
  EXPECT_THAT(check.violations(calling({{"1", "f", R"({"a":"ABC"})"}})), IsEmpty());
  EXPECT_THAT(check.violations(calling({})), IsEmpty());
  EXPECT_THAT(
      check.violations(calling({{"1", "f", R"({"a":"ABC"})"},
                                {"2", "f", R"({"a":"x"})"},
                                {"3", "g", R"({"b":1})"},
                                {"4", "unknown", "{}"},
                                {"5", "f", "{}"},
                                {"6", "f", "{\"a\""}})),
      ElementsAre(
          "message.tool_calls[1].function.arguments.a: does not match the pattern ^(?i)abc$",
          "message.tool_calls[4].function.arguments.a: required",
          ::testing::StartsWith("message.tool_calls[5].function.arguments: ")));
}

TEST(AnswerCheck, LooksAtTheTextWhereASchemaIsItsForm) {
  chat::Request request{.prompt = chat::PlainText{"x"}};
  request.format = {chat::OutputFormat::Kind::JsonSchema, kSchema};
  const AnswerCheck check(request);
  chat::Message message{.role = chat::Role::Assistant, .content = R"({"a":"aBc"})"};
  EXPECT_THAT(check.violations(message), IsEmpty());
  message.content = R"({"a":"aB"})";
  EXPECT_THAT(check.violations(message),
              ElementsAre("text.a: does not match the pattern ^(?i)abc$"));
}

TEST(AnswerCheck, PassesOverWhatItCannotRead) {
  for (const char* schema :
       {R"({"type":"object","properties":{"a":{"type":"integer","multipleOf":3}}})",
        R"({"type":"array"})", "no JSON"}) {
    const AnswerCheck check(request_with(schema));
    EXPECT_THAT(check.violations(calling({{"1", "f", R"({"a":4})"}})), IsEmpty()) << schema;
  }
}

}  // namespace
}  // namespace hearth::api
