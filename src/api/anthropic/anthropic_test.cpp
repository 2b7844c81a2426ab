// Anthropic's face over a scripted model. What each field becomes is tested in dialect/anthropic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/bench.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using testing::Bench;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string body_with(const std::string& fields = "") {
  return R"({"model":"fake","max_tokens":50,"messages":[{"role":"user","content":"hi"}])" +
         (fields.empty() ? "" : "," + fields) + "}";
}

TEST(AnthropicFace, AnswersWhole) {
  Bench bench;
  const auto got = bench.ask("/v1/messages", body_with());
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->header("Content-Type"), "application/json");
  EXPECT_EQ(got->header("x-hearth-lost"), "");
  EXPECT_THAT(got->header("request-id"), StartsWith("req_"));
  EXPECT_EQ(got->header("request-id"), got->header("x-request-id"));
  const json answer = got->json();
  EXPECT_THAT(answer["id"].get<std::string>(), StartsWith("msg_"));
  EXPECT_EQ(answer["model"], "fake");
  EXPECT_EQ(answer["content"], json::parse(R"([{"type":"text","text":"Hello"}])"));
  EXPECT_EQ(answer["stop_reason"], "end_turn");
  EXPECT_EQ(answer["usage"]["input_tokens"], 2);
  EXPECT_EQ(bench.model.requests().at(0).tokens_max, 50u);
}

TEST(AnthropicFace, StreamsItsEvents) {
  Bench bench;
  const auto got = bench.ask("/v1/messages", body_with(R"("stream":true)"));
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->header("Content-Type"), "text/event-stream; charset=utf-8");
  std::vector<std::string> names;
  std::string text;
  for (const auto& [name, data] : got->named_events()) {
    names.push_back(name);
    EXPECT_EQ(data["type"], name);
    if (name == "content_block_delta") text += data["delta"]["text"].get<std::string>();
  }
  EXPECT_THAT(names, ::testing::ElementsAre("message_start", "content_block_start",
                                            "content_block_delta", "content_block_delta",
                                            "content_block_stop", "message_delta", "message_stop"));
  EXPECT_EQ(text, "Hello");
}

TEST(AnthropicFace, CallsTools) {
  Bench bench({{"", {.tool_calls = {{"call_1", "look", R"({"a":1})"}}}}});
  const std::string tools =
      R"("tools":[{"name":"look","input_schema":{"type":"object","properties":{}}}])";
  const json answer = bench.ask("/v1/messages", body_with(tools))->json();
  EXPECT_EQ(answer["stop_reason"], "tool_use");
  EXPECT_EQ(answer["content"], json::parse(
                                   R"([{"type":"tool_use","id":"call_1","name":"look",
                                        "input":{"a":1}}])"));
  const auto asked = std::get<chat::Conversation>(bench.model.requests().at(0).prompt);
  EXPECT_EQ(asked.tools.at(0).name, "look");
}

TEST(AnthropicFace, ShowsThoughtsToWhoAskedForThem) {
  Bench bench({{"", {.pieces = {"a"}, .reasoning = "hm"}}});
  const auto plain = bench.ask("/v1/messages", body_with());
  EXPECT_EQ(plain->json()["content"].size(), 1u);
  EXPECT_THAT(plain->header("x-hearth-lost"), HasSubstr("reasoning: is not shown"));
  const std::string on = R"("thinking":{"type":"enabled","budget_tokens":1024})";
  const json shown = bench.ask("/v1/messages", body_with(on))->json();
  EXPECT_EQ(shown["content"][0]["thinking"], "hm");
  const std::string off = R"("thinking":{"type":"disabled"})";
  EXPECT_EQ(bench.ask("/v1/messages", body_with(off))->json()["content"].size(), 1u);
}

TEST(AnthropicFace, SaysWhatWasLost) {
  Bench bench({{"", {.pieces = {"a"}, .loosened = {"tools[0].x: is not understood"}}}});
  const auto whole = bench.ask("/v1/messages", body_with(R"("metadata":{"user_id":"u"})"));
  EXPECT_EQ(whole->header("x-hearth-lost"), "metadata: is not used; tools[0].x: is not understood");
  const auto stream =
      bench.ask("/v1/messages", body_with(R"("metadata":{"user_id":"u"},"stream":true)"));
  EXPECT_EQ(stream->header("x-hearth-lost"), "metadata: is not used");
  EXPECT_EQ(stream->named_events().back().second["x_hearth"]["lost"],
            json::array({"tools[0].x: is not understood"}));
}

TEST(AnthropicFace, CountsTokens) {
  Bench bench;
  const auto got = bench.ask("/v1/messages/count_tokens",
                             R"({"model":"fake","messages":[{"role":"user","content":"hello"}]})");
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->body(), R"({"input_tokens":5})");
  EXPECT_EQ(bench.model.requests().at(0).tokens_max, 0u);
}

json error_of(const testing::RecordedExchange& exchange) {
  EXPECT_EQ(exchange.json()["type"], "error");
  return exchange.json()["error"];
}

TEST(AnthropicFace, RefusesInItsOwnEnvelope) {
  struct Case {
    std::string body;
    int status;
    const char* type;
    const char* says;
  };
  const Case kCases[] = {
      {"{", 400, "invalid_request_error", "body"},
      {"[]", 400, "invalid_request_error", "object"},
      {R"({"model":"fake","messages":[]})", 400, "invalid_request_error", "max_tokens"},
      {R"({"model":"m2","max_tokens":1,"messages":[{"role":"user","content":"a"}]})", 404,
       "not_found_error", "'m2' does not exist; this server has: fake"},
  };
  Bench bench;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.body);
    const auto got = bench.ask("/v1/messages", c.body);
    EXPECT_EQ(got->status(), c.status);
    EXPECT_EQ(error_of(*got)["type"], c.type);
    EXPECT_THAT(error_of(*got)["message"].get<std::string>(), HasSubstr(c.says));
  }
  EXPECT_EQ(error_of(*bench.get("/v1/messages"))["type"], "invalid_request_error");
  EXPECT_EQ(bench.get("/v1/messages")->status(), 405);
  EXPECT_EQ(error_of(*bench.get("/v1/messages/batches"))["type"], "not_found_error");
}

TEST(AnthropicFace, TakesAKeyAndSaysWhenThereIsNone) {
  Bench bench({{"", {.pieces = {"x"}}}}, {.tokens = {"sesame"}});
  EXPECT_EQ(bench.post("/v1/messages", body_with())->status(), 401);
  EXPECT_EQ(error_of(*bench.post("/v1/messages", body_with()))["type"], "authentication_error");
  const auto allowed = bench.post("/v1/messages", body_with(),
                                  {{"x-api-key", "sesame"}, {"anthropic-version", "2023-06-01"}});
  allowed->wait();
  EXPECT_EQ(allowed->status(), 200);
}

TEST(AnthropicFace, SaysThatItIsOverloaded) {
  Bench bench({{"", {.pieces = {"x"}}}}, {}, 0);
  EXPECT_EQ(bench.ask("/v1/messages", body_with())->status(), 429);
  bench.draining = true;
  const auto draining = bench.ask("/v1/messages", body_with());
  EXPECT_EQ(draining->status(), 529);
  EXPECT_EQ(error_of(*draining)["type"], "overloaded_error");
  bench.draining = false;
  bench.model.set_state(model::State::Failed, "broken");
  EXPECT_EQ(bench.ask("/v1/messages", body_with())->status(), 529);
}

TEST(AnthropicFace, BreaksOffWithAnError) {
  Bench bench({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const auto got = bench.post("/v1/messages", body_with(R"("stream":true)"));
  bench.model.step(2);
  ASSERT_TRUE(got->wait_for_text("content_block_delta"));
  bench.model.fail_all({Code::Unavailable, "the engine has crashed", {}});
  ASSERT_TRUE(got->wait());
  const auto [name, data] = got->named_events().back();
  EXPECT_EQ(name, "error");
  EXPECT_EQ(data["error"]["type"], "overloaded_error");
}

TEST(AnthropicFace, ErrorsOfTheServerItselfLookAlike) {
  EXPECT_EQ(Api::error_body(413, "too large", "body", "/v1/messages"),
            R"({"type":"error","error":{"type":"request_too_large","message":"too large"}})");
  EXPECT_EQ(Api::error_body(413, "too large", "body", "/api/chat"), R"({"error":"too large"})");
  EXPECT_THAT(Api::error_body(413, "too large", "body", ""), HasSubstr(R"("param":"body")"));
}

}  // namespace
}  // namespace hearth::api
