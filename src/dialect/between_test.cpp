// From one dialect into another: what went through one of them is written in the next as if it had
// never been anything but ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/anthropic.h"
#include "dialect/gemini.h"
#include "dialect/ollama.h"
#include "dialect/openai.h"
#include "dialect/random_talk.h"
#include "dialect/responses.h"

namespace hearth::dialect {
namespace {

TEST(BetweenDialects, RequestsComeThrough) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Ask ask = testing::RandomTalk(seed, {}).ask();
    const auto through = anthropic::read_request(anthropic::write_request(ask).value().what);
    ASSERT_TRUE(through.ok()) << through.error().message;
    const Ask& read = through.value().what;
    const auto openai = openai::write_request(read), direct = openai::write_request(ask);
    EXPECT_EQ(openai.value().what, direct.value().what);
    EXPECT_EQ(openai.value().lost.lines(), direct.value().lost.lines());
    const auto gemini = gemini::write_request(read), to_gemini = gemini::write_request(ask);
    EXPECT_EQ(gemini.value().what, to_gemini.value().what);
    EXPECT_EQ(gemini.value().lost.lines(), to_gemini.value().lost.lines());
  }
}

TEST(BetweenDialects, AnswersComeThrough) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Answer answer = testing::RandomTalk(seed, {}).answer();
    const Answer read = anthropic::read_answer(anthropic::write_answer(answer).what).value().what;
    const responses::Header header{.id = "resp_1", .model = "m"};
    EXPECT_EQ(responses::write_answer(header, read).what,
              responses::write_answer(header, answer).what);
    const auto endpoint = ollama::Endpoint::Chat;
    EXPECT_EQ(ollama::write_answer({.model = "m"}, read, endpoint).what,
              ollama::write_answer({.model = "m"}, answer, endpoint).what);
  }
}

/// A provider's stream in one dialect, passed on in another while it comes.
TEST(BetweenDialects, StreamsComeThrough) {
  const std::vector<std::string> kChunks = {
      R"({"id":"c","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})",
      R"({"choices":[{"index":0,"delta":{"content":"I look."}}]})",
      R"({"choices":[{"index":0,"delta":{"tool_calls":[
          {"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}},
          {"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}}]})",
      R"({"choices":[{"index":0,"delta":{"tool_calls":[
          {"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":":1}"}}]}}]})",
      R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})",
      R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}})",
      "[DONE]"};
  const auto provider = openai::make_stream_reader("call");
  const auto face = anthropic::make_stream_writer("msg_1", "m");
  const auto client = anthropic::make_stream_reader();
  testing::Told told;
  for (const std::string& chunk : kChunks)
    for (const chat::Event& event : provider->take(chunk))
      for (const Frame& frame : face->write(event))
        testing::take_events(client->take(chat::json_text(frame.data)), told);
  ASSERT_FALSE(told.failed);
  EXPECT_EQ(told.last_events, 1u);
  EXPECT_EQ(told.answer.message.reasoning, "hm");
  EXPECT_EQ(told.answer.message.content, "I look.");
  ASSERT_EQ(told.answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(told.answer.message.tool_calls[0].arguments, R"({"x":1})");
  EXPECT_EQ(told.answer.message.tool_calls[1].arguments, "{}");
  EXPECT_EQ(told.answer.finished.reason, chat::FinishReason::ToolCalls);
  EXPECT_EQ(told.answer.finished.usage.prompt_tokens, 9u);
}

}  // namespace
}  // namespace hearth::dialect
