// Answers while they are made: streams, several choices, failures in the middle, clients that
// leave.
#include "api/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/bench.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using testing::Bench;
using ::testing::HasSubstr;

const std::vector<model::FakeRule> kManual = {{"", {.pieces = {"a", "b", "c"}, .manual = true}}};

/// Waits until the room has let go of every answer. Retiring happens on another thread.
bool all_released(const Bench& bench) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (bench.api->answers() > 0 && Clock::now() < deadline) std::this_thread::yield();
  return bench.api->answers() == 0;
}
bool reaches(const std::function<bool()>& holds) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (!holds() && Clock::now() < deadline) std::this_thread::yield();
  return holds();
}

TEST(Run, AnswersWhole) {
  Bench bench;
  const auto got = bench.chat(R"("seed":5)");
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->header("Content-Type"), "application/json");
  const json answer = got->json();
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(answer["created"], 1'700'000'000);
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(answer["timings"]["prompt_ms"], 2.0);
  EXPECT_EQ(bench.model.requests().at(0).sampling.seed, 5u);
  EXPECT_TRUE(all_released(bench));
  EXPECT_EQ(bench.model.cancelled(), 0u);
}

TEST(Run, Streams) {
  Bench bench;
  const auto got = bench.chat(R"("stream":true)");
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->answers(), 1);
  EXPECT_EQ(got->header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(got->header("Cache-Control"), "no-cache");
  EXPECT_EQ(got->header("X-Accel-Buffering"), "no");
  const auto events = got->events();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0]["choices"][0]["delta"], (json{{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(events[1]["choices"][0]["delta"], (json{{"content", "Hel"}}));
  EXPECT_EQ(events[2]["choices"][0]["delta"], (json{{"content", "lo"}}));
  EXPECT_EQ(events[3]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(events[3].contains("timings"));
  EXPECT_EQ(events[4], "[DONE]");
  EXPECT_TRUE(all_released(bench));
}

TEST(Run, SaysWhereAnAnswerBreaksALoosenedSchema) {
  const std::string tools =
      R"x("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object",)x"
      R"x("properties":{"a":{"type":"string","pattern":"^(?i)abc$"}}}}}])x";
  const std::string line = "tools[0].function.parameters.properties.a.pattern: is more …";
  for (const char* text : {"ABC", "no"}) {
    Bench bench(
        {{"", {.tool_calls = {{"call_1", "f", json{{"a", text}}.dump()}}, .loosened = {line}}}});
    const auto stream = bench.chat(tools + R"(,"stream":true)")->events();
    for (const json& answer : {bench.chat(tools)->json(), stream.at(stream.size() - 2)}) {
      EXPECT_EQ(answer.at("loosened"), json({line}));
      if (text == std::string("ABC")) {
        EXPECT_FALSE(answer.contains("violations"));
      } else {
        EXPECT_THAT(
            answer.at("violations").at(0).get<std::string>(),
            HasSubstr("choices[0].message.tool_calls[0].function.arguments.a: does not match"));
      }
    }
  }
}

TEST(Run, AnAnswerCutByItsLimitIsNotCheckedAndOneThatIsEnforcedNeither) {
  const std::string format =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object",)"
      R"("properties":{"a":{"type":"integer"}},"required":["a"]}}})";
  Bench enforced({{"", {.pieces = {"{", "}"}}}});
  EXPECT_FALSE(enforced.chat(format)->json().contains("violations"));
  Bench bench({{"", {.pieces = {"{", "}"}, .loosened = {"x"}}}});
  EXPECT_FALSE(bench.chat(format + R"(,"max_tokens":1)")->json().contains("violations"));
  EXPECT_EQ(bench.chat(format)->json().at("violations"),
            json({"choices[0].message.content.a: required"}));
}

TEST(Run, StreamsTheUsageLast) {
  Bench bench;
  const auto events =
      bench.chat(R"("stream":true,"stream_options":{"include_usage":true})")->events();
  ASSERT_EQ(events.size(), 6u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(events[i].at("usage"), nullptr);
  EXPECT_EQ(events[4]["choices"], json::array());
  EXPECT_EQ(events[4]["usage"]["completion_tokens"], 2);
  EXPECT_TRUE(events[4].contains("timings"));
  EXPECT_EQ(events[5], "[DONE]");
}

TEST(Run, AnswersSeveralChoices) {
  Bench bench;
  const json answer = bench.chat(R"("n":3,"seed":7)")->json();
  ASSERT_EQ(answer["choices"].size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(answer["choices"][i]["index"], i);
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 6);
  EXPECT_FALSE(answer.contains("timings"));
  const auto requests = bench.model.requests();
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(requests.at(i).sampling.seed, 7 + i);
}

TEST(Run, StreamsSeveralChoicesEachToItsEnd) {
  Bench bench;
  const auto events = bench.chat(R"("n":2,"stream":true)")->events();
  ASSERT_EQ(events.size(), 9u);
  EXPECT_EQ(events.back(), "[DONE]");
  int openings[2] = {0, 0}, ends[2] = {0, 0};
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const json& choice = events[i]["choices"][0];
    openings[choice["index"].get<int>()] += choice["delta"].contains("role");
    ends[choice["index"].get<int>()] += !choice["finish_reason"].is_null();
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(openings[i] + ends[i], 2);
}

TEST(Run, CompletesTextWithEcho) {
  Bench bench;
  const json answer =
      bench.ask("/v1/completions", R"({"prompt":["x",[121,122]],"echo":true})")->json();
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_EQ(answer["choices"][0]["text"], "xHello");
  EXPECT_EQ(answer["choices"][1]["text"], "yzHello");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 3);
  const auto events =
      bench.ask("/v1/completions", R"({"prompt":"x","echo":true,"stream":true})")->events();
  EXPECT_EQ(events.at(0)["choices"][0]["text"], "x");
  EXPECT_EQ(events.at(1)["choices"][0]["text"], "Hel");
}

TEST(Run, AFailureInTheMiddleOfAStreamIsAnEvent) {
  Bench bench(
      {{"", {.pieces = {"a"}, .error = Error{Code::Unavailable, "the engine crashed", {}}}}});
  const auto got = bench.chat(R"("stream":true)");
  EXPECT_EQ(got->status(), 200);
  const auto events = got->events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2]["error"]["message"], "the engine crashed");
  EXPECT_EQ(events[2]["error"]["type"], "server_error");
  EXPECT_TRUE(all_released(bench));
}

TEST(Run, SendsNothingBeforeTheFirstText) {
  Bench bench(kManual);
  const auto got = bench.post("/v1/chat/completions", Bench::chat_body(R"("stream":true)"));
  bench.model.step(1);  // Started
  EXPECT_EQ(got->answers(), 0);
  bench.model.step(1);
  EXPECT_TRUE(got->wait_for_text(R"("content":"a")"));
  bench.model.fail_all({Code::Unavailable, "the engine crashed", {}});
  EXPECT_TRUE(got->wait());
  EXPECT_THAT(got->body(), HasSubstr("the engine crashed"));
}

TEST(Run, CancelsWhenTheClientLeaves) {
  for (const char* fields : {R"("stream":true)", R"("stream":false)", R"("n":3)"}) {
    SCOPED_TRACE(fields);
    Bench bench(kManual);
    const auto got = bench.post("/v1/chat/completions", Bench::chat_body(fields));
    bench.model.step(2);
    got->hang_up();
    EXPECT_TRUE(reaches([&] { return bench.model.running() == 0; }));
    EXPECT_TRUE(all_released(bench));
    EXPECT_EQ(bench.model.cancelled(), bench.model.requests().size());
    EXPECT_EQ(got->answers(), 1) << "499, or the end of the stream";
  }
}

TEST(Run, CancelsForAClientThatHadLeftBefore) {
  Bench bench(kManual);
  auto exchange = std::make_shared<testing::RecordedExchange>();
  exchange->hang_up();
  bench.api->handler()(
      {"POST", "", "/v1/chat/completions", "", {{"Host", "localhost"}}, Bench::chat_body(), ""},
      exchange);
  EXPECT_TRUE(all_released(bench));
  EXPECT_EQ(bench.model.running(), 0u);
}

TEST(Run, CancelsForAClientThatReadsNothing) {
  Bench bench(kManual);
  const auto got = bench.post("/v1/chat/completions", Bench::chat_body(R"("stream":true)"));
  got->leave_room_for(10);
  bench.model.step(2);
  EXPECT_TRUE(reaches([&] { return bench.model.running() == 0; }));
  EXPECT_TRUE(all_released(bench));
}

TEST(Run, OneChoiceThatFailsEndsAll) {
  Bench bench(kManual, {}, 2);
  const auto got = bench.chat(R"("n":3)");  // the model takes two
  EXPECT_EQ(got->status(), 429);
  EXPECT_TRUE(all_released(bench));
  EXPECT_EQ(bench.model.running(), 0u);
}

TEST(Run, TheApiEndsWhatRunsWhenItGoes) {
  Bench bench(kManual);
  const auto whole = bench.post("/v1/chat/completions", Bench::chat_body());
  const auto stream = bench.post("/v1/chat/completions", Bench::chat_body(R"("stream":true)"));
  bench.model.step(4);
  bench.api.reset();
  EXPECT_EQ(bench.model.running(), 0u);
  EXPECT_EQ(whole->status(), 503);
}

TEST(Run, TellsClientsWhenTheDaemonEndsTheirAnswers) {
  Bench bench(kManual);
  const auto whole = bench.post("/v1/chat/completions", Bench::chat_body());
  const auto stream = bench.post("/v1/chat/completions", Bench::chat_body(R"("stream":true)"));
  bench.model.step(4);
  bench.api->end_answers();
  EXPECT_TRUE(whole->wait() && stream->wait());
  EXPECT_EQ(whole->status(), 503);
  EXPECT_EQ(whole->header("Retry-After"), "5");
  for (const auto& exchange : {whole, stream})
    EXPECT_THAT(exchange->body(), HasSubstr("the daemon is stopping"));
  EXPECT_TRUE(all_released(bench));
}

TEST(Run, LogprobsReachBothShapes) {
  Bench bench;
  const json chat = bench.chat(R"("logprobs":true,"top_logprobs":1)")->json();
  ASSERT_EQ(chat["choices"][0]["logprobs"]["content"].size(), 2u);
  EXPECT_EQ(chat["choices"][0]["logprobs"]["content"][1]["top_logprobs"].size(), 1u);
  const json text = bench.ask("/v1/completions", R"({"prompt":"x","logprobs":0})")->json();
  EXPECT_EQ(text["choices"][0]["logprobs"]["text_offset"], (json{0, 3}));
}

TEST(Run, ToolCallsReachTheClient) {
  Bench bench({{"", {.tool_calls = {{"call_1", "f", R"({"a":1})"}}}}});
  const std::string tools = R"("tools":[{"type":"function","function":{"name":"f"}}])";
  const json choice = bench.chat(tools)->json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], R"({"a":1})");
  const auto events = bench.chat(tools + R"(,"stream":true)")->events();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[1]["choices"][0]["delta"]["tool_calls"][0]["id"], "call_1");
  EXPECT_EQ(events[3]["choices"][0]["finish_reason"], "tool_calls");
}

}  // namespace
}  // namespace hearth::api
