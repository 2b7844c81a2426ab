#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/anthropic.h"
#include "dialect/random_talk.h"

namespace hearth::dialect::anthropic {
namespace {

using chat::FinishReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::read_stream;

TEST(AnthropicReadAnswer, ReadsARealOne) {
  const auto got = read_answer(Json::parse(R"({
    "id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5",
    "content":[{"type":"thinking","thinking":"hm","signature":"EqQ"},
      {"type":"text","text":"I'll check."},
      {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
      {"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Bern"}},
      {"type":"tool_use","id":"toolu_2","name":"clock","input":{}}],
    "stop_reason":"tool_use","stop_sequence":null,
    "usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,
             "output_tokens":40,"service_tier":"standard"}})"));
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Answer& answer = got.value().what;
  EXPECT_EQ(answer.id, "msg_01");
  EXPECT_EQ(answer.model, "claude-sonnet-4-5");
  EXPECT_EQ(answer.message.content, "I'll check.");
  EXPECT_EQ(answer.message.reasoning, "hm");
  ASSERT_EQ(answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(answer.message.tool_calls[0].arguments, R"({"city":"Bern"})");
  EXPECT_EQ(answer.message.tool_calls[1].arguments, "{}");
  EXPECT_EQ(answer.finished.reason, FinishReason::ToolCalls);
  EXPECT_EQ(answer.finished.usage.prompt_tokens, 330u);
  EXPECT_EQ(answer.finished.usage.cached_tokens, 300u);
  EXPECT_EQ(answer.finished.usage.cache_written_tokens, 20u);
  EXPECT_EQ(answer.finished.usage.completion_tokens, 40u);
  EXPECT_THAT(got.value().lost.lines(),
              ElementsAre("content[0].signature: is not kept",
                          "content[2]: a block of type server_tool_use is left out"));
}

TEST(AnthropicReadAnswer, RefusesWhatIsNone) {
  for (const char* text : {"{}", "[]", "null", R"({"content":"x"})", R"({"content":null})"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(read_answer(Json::parse(text)).error().code, Code::Unavailable);
  }
  const auto failed = read_answer(Json::parse(
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"));
  EXPECT_THAT(failed.error().message, HasSubstr("Overloaded"));
  Json many = {{"content", Json::array()}};
  for (std::size_t i = 0; i < chat::kToolsMax; ++i)
    many["content"].push_back({{"type", "tool_use"}, {"id", std::to_string(i)}, {"name", "f"}});
  EXPECT_TRUE(read_answer(many).ok());
  many["content"].push_back(many["content"][0]);
  EXPECT_EQ(read_answer(many).error().code, Code::Unavailable);
}

TEST(AnthropicStopReason, Table) {
  struct Case {
    const char* reason;
    FinishReason finish;
    const char* written;
  };
  const Case kCases[] = {
      {"end_turn", FinishReason::Stop, "end_turn"},
      {"max_tokens", FinishReason::Length, "max_tokens"},
      {"model_context_window_exceeded", FinishReason::Length, "max_tokens"},
      {"stop_sequence", FinishReason::Stop, "stop_sequence"},
      {"tool_use", FinishReason::ToolCalls, "tool_use"},
      {"refusal", FinishReason::Stop, "refusal"},
      {"pause_turn", FinishReason::Stop, "end_turn"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.reason);
    Json body = {{"content", Json::array()}, {"stop_reason", c.reason}};
    if (std::string_view(c.reason) == "stop_sequence") body["stop_sequence"] = "END";
    const auto got = read_answer(body).value();
    EXPECT_EQ(got.what.finished.reason, c.finish);
    EXPECT_EQ(got.lost.empty(), std::string_view(c.reason) != "pause_turn");
    const Json back = write_answer(got.what).what;
    EXPECT_EQ(back["stop_reason"], c.written);
    EXPECT_EQ(back["stop_sequence"],
              std::string_view(c.reason) == "stop_sequence" ? Json("END") : Json(nullptr));
  }
}

TEST(AnthropicAnswer, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const Answer answer = testing::RandomTalk(seed, {}).answer();
    const auto wrote = write_answer(answer);
    EXPECT_THAT(wrote.lost.lines(), IsEmpty());
    const auto back = read_answer(wrote.what);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(testing::shown(back.value().what), testing::shown(answer));
  }
}

TEST(AnthropicAnswer, NamesWhatItCannotCarry) {
  Answer answer;
  answer.message.reasoning = "hm";
  answer.message.tool_calls = {{"1", "f", "[1]"}};
  answer.finished.questions.emplace_back().id = "appr_1";
  const auto wrote = write_answer(answer, Thinking::Dropped);
  EXPECT_THAT(wrote.lost.lines(),
              ElementsAre(HasSubstr("reasoning: "), HasSubstr("tool_calls[0].arguments: "),
                          HasSubstr("questions: appr_1")));
  EXPECT_THAT(chat::json_text(wrote.what), Not(HasSubstr("hm")));
}

std::vector<std::string> datas_of(const std::vector<Frame>& frames) {
  std::vector<std::string> datas;
  for (const Frame& frame : frames) {
    const std::string head = "event: " + frame.event + "\ndata: ", text = event_text(frame);
    EXPECT_TRUE(text.starts_with(head) && text.ends_with("\n\n")) << text;
    EXPECT_EQ(frame.data["type"], frame.event);
    datas.push_back(text.substr(head.size(), text.size() - head.size() - 2));
  }
  return datas;
}

TEST(AnthropicStream, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    testing::RandomTalk random(seed, {});
    const Answer answer = random.answer();
    const auto writer = make_stream_writer(answer.id, answer.model);
    std::vector<Frame> frames;
    for (const chat::Event& event : random.events(answer))
      for (Frame& frame : writer->write(event)) frames.push_back(std::move(frame));
    frames.insert(frames.begin() + 1, ping());
    const auto reader = make_stream_reader();
    const auto told = read_stream(*reader, datas_of(frames));
    ASSERT_FALSE(told.failed) << told.failed->message;
    EXPECT_EQ(told.last_events, 1u);
    EXPECT_EQ(told.started->prompt_tokens, answer.finished.usage.prompt_tokens);
    EXPECT_EQ(testing::shown(told.answer), testing::shown(answer));
    EXPECT_TRUE(writer->lost().empty() && reader->lost().empty());
  }
}

// As the API's documentation shows it, shortened, and with what it may add.
const std::vector<std::string> kRecorded = {
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",
      "content":[],"model":"claude-x","stop_reason":null,"stop_sequence":null,
      "usage":{"input_tokens":472,"cache_read_input_tokens":8,"output_tokens":2}}})",
    R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"",
      "signature":""}})",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",
      "thinking":"Let me"}})",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta",
      "signature":"Eq"}})",
    R"({"type":"content_block_stop","index":0})",
    R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
    R"({"type": "ping"})",
    R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta",
      "text":"Okay \ud83e\udd8a"}})",
    R"({"type":"content_block_stop","index":1})",
    R"({"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1",
      "name":"get_weather","input":{}}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",
      "partial_json":""}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",
      "partial_json":"{\"location\":"}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",
      "partial_json":" \"San"}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",
      "partial_json":" Francisco\"}"}})",
    R"({"type":"content_block_stop","index":2})",
    R"({"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2",
      "name":"now","input":{}}})",
    R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",
      "partial_json":""}})",
    R"({"type":"content_block_stop","index":3})",
    R"({"type":"something_new","a":1})",
    R"({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},
      "usage":{"input_tokens":null,"output_tokens":89}})",
    R"({"type":"message_stop"})",
};

TEST(AnthropicStream, ReadsARecordedOne) {
  const auto reader = make_stream_reader();
  const auto told = read_stream(*reader, kRecorded);
  ASSERT_FALSE(told.failed) << told.failed->message;
  EXPECT_EQ(told.answer.id, "msg_1");
  EXPECT_EQ(told.answer.model, "claude-x");
  EXPECT_EQ(told.answer.message.reasoning, "Let me");
  EXPECT_EQ(told.answer.message.content, "Okay 🦊");
  ASSERT_EQ(told.answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(told.answer.message.tool_calls[0].arguments, R"({"location": "San Francisco"})");
  EXPECT_EQ(told.answer.message.tool_calls[1].arguments, "{}");
  EXPECT_EQ(told.answer.finished.reason, FinishReason::ToolCalls);
  EXPECT_EQ(told.answer.finished.usage.prompt_tokens, 480u);
  EXPECT_EQ(told.answer.finished.usage.cached_tokens, 8u);
  EXPECT_EQ(told.answer.finished.usage.completion_tokens, 89u);
  EXPECT_THAT(reader->lost().lines(), ElementsAre("content[0].signature: is not kept"));
}

TEST(AnthropicStream, OneThatIsCutFails) {
  for (std::size_t kept = 0; kept < kRecorded.size(); ++kept) {
    SCOPED_TRACE(kept);
    const auto reader = make_stream_reader();
    const auto told = read_stream(
        *reader, {kRecorded.begin(), kRecorded.begin() + static_cast<std::ptrdiff_t>(kept)});
    EXPECT_EQ(told.last_events, 1u);
    const bool has_reason = kept == kRecorded.size() - 1;
    EXPECT_EQ(told.failed.has_value(), !has_reason);
    if (told.failed) {
      EXPECT_EQ(told.failed->code, Code::Unavailable);
    }
  }
}

TEST(AnthropicStream, ErrorsEndIt) {
  struct Case {
    const char* data;
    Code code;
  };
  const Case kCases[] = {
      {R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       Code::Unavailable},
      {R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"}})", Code::Busy},
      {R"({"type":"error"})", Code::Unavailable},
      {"{\"type\":", Code::Unavailable},
      {"", Code::Unavailable},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.data);
    const auto reader = make_stream_reader();
    const auto told = read_stream(*reader, {kRecorded[0], c.data, kRecorded[5], kRecorded.back()});
    ASSERT_TRUE(told.failed);
    EXPECT_EQ(told.failed->code, c.code);
    EXPECT_EQ(told.last_events, 1u);
    EXPECT_TRUE(told.answer.message.content.empty());
  }
}

TEST(AnthropicStream, CallsThatMixAreWrittenOneAfterTheOther) {
  const auto writer = make_stream_writer("msg", "m");
  std::vector<Frame> frames;
  const std::vector<chat::Event> events = {
      chat::Delta{.tool_calls = {{0, "a", "f", ""}, {1, "b", "g", "{\"x\""}}},
      chat::Delta{.tool_calls = {{0, "", "", "{}"}, {1, "", "", ":1}"}}},
      chat::Finished{.reason = FinishReason::ToolCalls}};
  for (const auto& event : events)
    for (Frame& frame : writer->write(event)) frames.push_back(std::move(frame));
  const auto reader = make_stream_reader();
  const auto told = read_stream(*reader, datas_of(frames));
  ASSERT_EQ(told.answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(told.answer.message.tool_calls[0].arguments, "{}");
  EXPECT_EQ(told.answer.message.tool_calls[1].arguments, R"({"x":1})");
  EXPECT_TRUE(writer->write(chat::Delta{.content = "late"}).empty());
}

TEST(AnthropicStream, FailsAsAnEvent) {
  const auto writer = make_stream_writer("msg", "m");
  const auto frames = writer->write(chat::Failed{{Code::Busy, "full", {}}});
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(event_text(frames[0]),
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
            "\"message\":\"full\"}}\n\n");
}

TEST(AnthropicErrors, Table) {
  struct Case {
    int status;
    const char* type;
    Code code;
  };
  const Case kCases[] = {
      {400, "invalid_request_error", Code::InvalidInput},
      {401, "authentication_error", Code::Denied},
      {403, "permission_error", Code::Denied},
      {404, "not_found_error", Code::NotFound},
      {405, "invalid_request_error", Code::InvalidInput},
      {413, "request_too_large", Code::TooLarge},
      {429, "rate_limit_error", Code::Busy},
      {500, "api_error", Code::Unavailable},
      {503, "api_error", Code::Unavailable},
      {504, "timeout_error", Code::Timeout},
      {529, "overloaded_error", Code::Unavailable},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.status);
    const Json body = write_error(c.status, "because");
    EXPECT_EQ(body, Json::parse(R"({"type":"error","error":{"type":")" + std::string(c.type) +
                                R"(","message":"because"}})"));
    const Error error = read_error(c.status, chat::json_text(body));
    EXPECT_EQ(error.code, c.code);
    EXPECT_EQ(error.message.find("because") == std::string::npos, c.status == 401);
  }
  for (int code = 0; code < kCodeCount; ++code) {
    const Error error{static_cast<Code>(code), "because", {}};
    EXPECT_GE(status_of(error), 400);
    EXPECT_EQ(write_error(error)["error"]["message"], "because");
  }
}

TEST(AnthropicErrors, AreReadFromAnything) {
  EXPECT_EQ(read_error(502, "<html>Bad Gateway</html>").message, "the provider refused (HTTP 502)");
  EXPECT_EQ(read_error(400, R"({"type":"error","error":{"type":"invalid_request_error",
    "message":"prompt is too long: 9 tokens > 8 maximum"}})")
                .code,
            Code::TooLarge);
  const std::string longest(kSaidBytesMax, 'x');
  const auto said = [](const std::string& text) {
    return read_error(400, chat::json_text({{"error", {{"message", text}}}})).message;
  };
  EXPECT_TRUE(said(longest).ends_with("x"));
  EXPECT_TRUE(said(longest + "x").ends_with("x…"));
}

}  // namespace
}  // namespace hearth::dialect::anthropic
