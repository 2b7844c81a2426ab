#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/openai.h"
#include "dialect/random_talk.h"

namespace hearth::dialect::openai {
namespace {

using chat::FinishReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::read_stream;
using ::testing::StartsWith;

Result<Carried<Answer>> read(const std::string& text) {
  return read_answer(Json::parse(text), "call_x");
}

TEST(OpenAiReadAnswer, ReadsARealOne) {
  const auto got = read(R"({
    "id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5-2025",
    "system_fingerprint":null,
    "choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,
      "annotations":[],"reasoning_content":"hm",
      "tool_calls":[{"id":"call_1","type":"function",
                     "function":{"name":"f","arguments":"{\"a\": 1}"}},
                    {"type":"function","function":{"name":"g","arguments":{"b":2}}}]},
      "logprobs":null,"finish_reason":"tool_calls"}],
    "usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
      "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},
      "completion_tokens_details":{"reasoning_tokens":10}}})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Answer& answer = got.value().what;
  EXPECT_EQ(answer.id, "chatcmpl-1");
  EXPECT_EQ(answer.model, "gpt-5-2025");
  EXPECT_EQ(answer.message.content, "");
  EXPECT_EQ(answer.message.reasoning, "hm");
  ASSERT_EQ(answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(answer.message.tool_calls[0].arguments, R"({"a": 1})");
  EXPECT_EQ(answer.message.tool_calls[1].id, "call_x_1");
  EXPECT_EQ(answer.message.tool_calls[1].arguments, R"({"b":2})");
  EXPECT_EQ(answer.finished.reason, FinishReason::ToolCalls);
  EXPECT_EQ(answer.finished.usage.prompt_tokens, 100u);
  EXPECT_EQ(answer.finished.usage.cached_tokens, 64u);
  EXPECT_EQ(answer.finished.usage.completion_tokens, 20u);
  EXPECT_THAT(got.value().lost.lines(), IsEmpty());
}

TEST(OpenAiReadAnswer, FinishReasons) {
  struct Case {
    const char* choice;  // what stands in the choice beside the finish_reason
    const char* reason;
    FinishReason finish;
    bool declined;
    std::size_t lost;
  };
  const char* const kText = R"("message":{"content":"x"})";
  const char* const kCall = R"("message":{"tool_calls":[{"function":{"name":"f"}}]})";
  const Case kCases[] = {
      {kText, R"("stop")", FinishReason::Stop, false, 0},
      {kText, R"("length")", FinishReason::Length, false, 0},
      {kText, R"("content_filter")", FinishReason::Stop, true, 0},
      {kText, R"("eos")", FinishReason::Stop, false, 1},
      {kText, "null", FinishReason::Stop, false, 0},
      {kCall, R"("tool_calls")", FinishReason::ToolCalls, false, 0},
      {kCall, R"("stop")", FinishReason::ToolCalls, false, 0},
      {kCall, R"("length")", FinishReason::Length, false, 0},
      {R"("message":{"content":null,"refusal":"I can't"})", R"("stop")", FinishReason::Stop, true,
       0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.reason);
    const auto got = read(R"({"choices":[{)" + std::string(c.choice) + R"(,"finish_reason":)" +
                          c.reason + "}]}");
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got.value().what.finished.reason, c.finish);
    EXPECT_EQ(is_declined(got.value().what.finished), c.declined);
    EXPECT_EQ(got.value().lost.lines().size(), c.lost);
  }
}

TEST(OpenAiReadAnswer, RefusesWhatIsNone) {
  for (const char* text : {"{}", "[]", "null", R"({"choices":[]})", R"({"choices":[{}]})",
                           R"({"choices":{"message":{}}})", R"({"error":{"message":"x"}})"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(read(text).error().code, Code::Unavailable);
  }
  Json calls = Json::array();
  for (std::size_t i = 0; i < chat::kToolsMax; ++i) calls.push_back({{"id", std::to_string(i)}});
  const auto with = [](const Json& all) {
    const Json message = {{"message", {{"tool_calls", all}}}};
    return read_answer({{"choices", Json::array({message})}}, "x").ok();
  };
  EXPECT_TRUE(with(calls));
  calls.push_back({{"id", "more"}});
  EXPECT_FALSE(with(calls));
}

std::string chunk(const std::string& delta, const std::string& more = "") {
  return R"({"id":"c1","model":"m","choices":[{"index":0,"delta":)" + delta +
         R"(,"finish_reason":null}])" + more + "}";
}
std::string last(const std::string& reason, const std::string& more = "") {
  return R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":")" + reason +
         "\"}]" + more + "}";
}
const char* const kUsage =
    R"({"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,
        "total_tokens":12,"prompt_tokens_details":{"cached_tokens":8}}})";

TEST(OpenAiStream, ReadsWhatServersSend) {
  struct Case {
    const char* name;
    std::vector<std::string> datas;
    std::string content;
    std::vector<std::string> calls;  // "ID NAME ARGUMENTS"
    FinishReason reason;
  };
  const std::string done = "[DONE]";
  const Case kCases[] = {
      {"text",
       {chunk(R"({"role":"assistant","content":"","refusal":null})"), chunk(R"({"content":"He"})"),
        chunk(R"({"content":"y \ud83e\udd8a"})"), last("stop"), kUsage, done},
       "Hey 🦊",
       {},
       FinishReason::Stop},
      {"parallel calls in pieces",
       {chunk(R"({"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a",
                 "type":"function","function":{"name":"f","arguments":""}}]})"),
        chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x"}}]})"),
        chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}}]})"),
        chunk(R"({"tool_calls":[{"index":1,"id":"call_b","type":"function",
                 "function":{"name":"g","arguments":""}}]})"),
        chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]})"), last("tool_calls"),
        kUsage, done},
       "",
       {R"(call_a f {"x":1})", "call_b g {}"},
       FinishReason::ToolCalls},
      {"pieces that mix",
       {chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}},
                                {"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]})"),
        chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"}"}},
                                {"index":0,"function":{"arguments":"}"}}]})"),
        last("tool_calls"), done},
       "",
       {"a f {}", "b g {}"},
       FinishReason::ToolCalls},
      {"id and name repeated",
       {chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})"),
        chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]})"),
        last("tool_calls"), done},
       "",
       {"a f {}"},
       FinishReason::ToolCalls},
      {"no index, whole calls",
       {chunk(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},
                                {"id":"b","function":{"name":"g","arguments":"{}"}}]})"),
        last("tool_calls"), done},
       "",
       {"a f {}", "b g {}"},
       FinishReason::ToolCalls},
      {"one index for all",
       {chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]})"),
        chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{"}}]})"),
        chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"}"}}]})"), last("stop"), done},
       "",
       {"a f {}", "b f {}"},
       FinishReason::ToolCalls},
      {"no ids, an object as arguments",
       {chunk(R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":{"x":1}}}]})"),
        last("stop"), done},
       "",
       {R"(call_x_0 f {"x":1})"},
       FinishReason::ToolCalls},
      {"closed without DONE",
       {chunk(R"({"content":"x"})"), last("length")},
       "x",
       {},
       FinishReason::Length},
      {"a role only",
       {chunk(R"({"role":"assistant"})"), last("stop"), done},
       "",
       {},
       FinishReason::Stop},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto reader = make_stream_reader("call_x");
    const auto told = read_stream(*reader, c.datas);
    ASSERT_FALSE(told.failed) << told.failed->message;
    EXPECT_EQ(told.last_events, 1u);
    EXPECT_TRUE(told.started);
    EXPECT_EQ(told.answer.id, "c1");
    EXPECT_EQ(told.answer.model, "m");
    EXPECT_EQ(told.answer.message.content, c.content);
    EXPECT_EQ(told.answer.finished.reason, c.reason);
    std::vector<std::string> calls;
    for (const auto& call : told.answer.message.tool_calls)
      calls.push_back(call.id + " " + call.name + " " + call.arguments);
    EXPECT_EQ(calls, c.calls);
    EXPECT_THAT(reader->lost().lines(), IsEmpty());
  }
}

TEST(OpenAiStream, FindsTheUsageWhereEachServerPutsIt) {
  const std::string text = chunk(R"({"content":"x"})");
  const std::vector<std::string> kStreams[] = {
      {text, last("stop"), kUsage, "[DONE]"},
      {text, last("stop", R"(,"usage":{"prompt_tokens":9,"completion_tokens":3,
                              "prompt_cache_hit_tokens":8})"),
       "[DONE]"},
      {text, last("stop", R"(,"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":3,
                              "prompt_tokens_details":{"cached_tokens":8}}})"),
       "[DONE]"},
      {chunk(R"({"content":"x"})", R"(,"usage":null)"), last("stop"), kUsage},
  };
  for (const auto& datas : kStreams) {
    const auto told = read_stream(*make_stream_reader("x"), datas);
    ASSERT_FALSE(told.failed);
    EXPECT_EQ(told.answer.finished.usage.prompt_tokens, 9u);
    EXPECT_EQ(told.answer.finished.usage.cached_tokens, 8u);
    EXPECT_EQ(told.answer.finished.usage.completion_tokens, 3u);
  }
}

TEST(OpenAiStream, Failures) {
  const std::string text = chunk(R"({"content":"x"})");
  std::string many = R"({"tool_calls":[)";
  for (std::size_t i = 0; i <= chat::kToolsMax; ++i)
    many += (i ? "," : "") + (R"({"index":)" + std::to_string(i)) +
            R"(,"id":"i","function":{"name":"f"}})";
  struct Case {
    const char* name;
    std::vector<std::string> datas;
    Code code;
    const char* message;
  };
  const Case kCases[] = {
      {"cut", {text}, Code::Unavailable, "ended before"},
      {"empty", {}, Code::Unavailable, "ended before"},
      {"an error",
       {text, R"({"error":{"message":"overloaded","type":"server_error"}})"},
       Code::Unavailable,
       "overloaded"},
      {"a status as code",
       {text, R"({"error":{"code":429,"message":"slow down"}})"},
       Code::Busy,
       "429"},
      {"an error as text", {R"({"error":"broken"})"}, Code::Unavailable, "broken"},
      {"finish_reason error", {text, last("error")}, Code::Unavailable, "broke"},
      {"no JSON", {text, "{\"id\""}, Code::Unavailable, "not valid JSON"},
      {"too many calls", {chunk(many + "]}")}, Code::Unavailable, "more than 128"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto told = read_stream(*make_stream_reader("x"), c.datas);
    ASSERT_TRUE(told.failed);
    EXPECT_EQ(told.last_events, 1u);
    EXPECT_EQ(told.failed->code, c.code);
    EXPECT_THAT(told.failed->message, HasSubstr(c.message));
  }
}

TEST(OpenAiStream, NamesWhatItCannotKeep) {
  const auto reader = make_stream_reader("x");
  read_stream(*reader, {chunk(R"({"audio":{"id":"1"},"annotations":[]})"), last("eos"), "[DONE]"});
  EXPECT_THAT(reader->lost().lines(),
              ElementsAre(StartsWith("audio: "), StartsWith("finish_reason: ")));
}

TEST(OpenAiReadError, Table) {
  struct Case {
    int status;
    const char* body;
    Code code;
    const char* said;
  };
  const Case kCases[] = {
      {400,
       R"({"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}})",
       Code::InvalidInput, "bad"},
      {400, R"({"error":{"message":"long","code":"context_length_exceeded"}})", Code::TooLarge,
       "long"},
      {400, R"({"object":"error","message":"This model's maximum context length is 8"})",
       Code::TooLarge, "maximum"},
      {400, R"({"error":{"type":"exceed_context_size_error","message":"long"}})", Code::TooLarge,
       "long"},
      {401, R"({"error":{"message":"Incorrect API key provided: sk-1"}})", Code::Denied, "key"},
      {404, R"({"error":{"message":"no model"}})", Code::NotFound, "no model"},
      {422, R"({"detail":"extra"})", Code::InvalidInput, "extra"},
      {429, R"({"error":{"message":"slow","type":"requests"}})", Code::Busy, "slow"},
      {429, R"({"error":{"message":"pay","code":"insufficient_quota"}})", Code::Denied, "pay"},
      {500, R"([{"error":{"message":"in an array"}}])", Code::Unavailable, "in an array"},
      {502, "<html>", Code::Unavailable, "(HTTP 502)"},
      {503, "", Code::Unavailable, "(HTTP 503)"},
      {503, R"({"error":"Model is loading"})", Code::Unavailable, "loading"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.body);
    const Error error = read_error(c.status, c.body);
    EXPECT_EQ(error.code, c.code);
    EXPECT_THAT(error.message, HasSubstr(c.said));
    EXPECT_EQ(error.message.find("sk-"), std::string::npos);
  }
}

}  // namespace
}  // namespace hearth::dialect::openai
