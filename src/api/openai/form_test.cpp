#include "api/openai/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::api {
namespace {

using nlohmann::json;

const Header kHeader{"id-1", 1'700'000'000, "ember", "fp_1", false};

json plain(const Json& value) { return json::parse(dump(value)); }

chat::Finished finished(chat::FinishReason reason = chat::FinishReason::Stop) {
  return {reason, "", {10, 4, 5}, {.prompt_ms = 12, .predicted_ms = 50}};
}

chat::TokenChoice token(const std::string& bytes, float logprob) {
  return {{1, bytes, logprob}, {{1, bytes, logprob}, {2, "z", -2}}};
}

Choice done(const std::string& content) {
  Choice choice;
  choice.message.content = content;
  choice.finished = finished();
  return choice;
}

TEST(ChatForm, WholeAnswerIsExact) {
  const json want = json::parse(R"({
    "id":"id-1","object":"chat.completion","created":1700000000,"model":"ember",
    "system_fingerprint":"fp_1",
    "choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},
                "logprobs":null,"finish_reason":"stop"}],
    "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,
             "prompt_tokens_details":{"cached_tokens":4},
             "completion_tokens_details":{"reasoning_tokens":0}}})");
  EXPECT_EQ(plain(make_chat_form(kHeader)->whole({done("Hi")})), want);
}

TEST(ChatForm, WholeAnswerWithCallsAndThoughts) {
  Choice choice;
  choice.finished = finished(chat::FinishReason::ToolCalls);
  absorb(choice, {.content = "", .reasoning = "hm"});
  chat::Delta call;
  call.tool_calls = {{0, "call_1", "f", ""}};
  absorb(choice, call);
  call.tool_calls = {{0, "", "", "{\"a\""}};
  absorb(choice, call);
  call.tool_calls = {{0, "", "", ":1}"}, {1, "call_2", "g", "{}"}};
  absorb(choice, call);
  call.tool_calls = {{kToolCallsMax, "far", "beyond", ""}};
  absorb(choice, call);
  const json got = plain(make_chat_form(kHeader)->whole({choice}))["choices"][0];
  EXPECT_EQ(got["finish_reason"], "tool_calls");
  EXPECT_EQ(got["message"], json::parse(R"({"role":"assistant","content":null,"refusal":null,
    "reasoning_content":"hm","tool_calls":[
      {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
      {"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]})"));
}

TEST(ChatForm, LogprobsKeepBytesThatAreNoText) {
  Choice choice = done("a");
  choice.logprobs = {token("a", -0.5f), {{3, "\xc3", -1}, {}}};
  const json got = plain(make_chat_form(kHeader)->whole({choice}))["choices"][0]["logprobs"];
  EXPECT_EQ(got, json::parse(R"({"refusal":null,"content":[
    {"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[
       {"token":"a","logprob":-0.5,"bytes":[97]},{"token":"z","logprob":-2.0,"bytes":[122]}]},
    {"token":"\ufffd","logprob":-1.0,"bytes":[195],"top_logprobs":[]}]})"));
}

TEST(ChatForm, ChunksAreExact) {
  const auto form = make_chat_form(kHeader);
  Choice choice;
  choice.index = 1;
  const json head =
      json::parse(R"({"id":"id-1","object":"chat.completion.chunk","created":1700000000,
    "model":"ember","system_fingerprint":"fp_1"})");
  const auto with_choice = [&](const char* text) {
    json want = head;
    want["choices"] = json::array({json::parse(text)});
    return want;
  };
  EXPECT_EQ(plain(*form->opening(choice, nullptr)),
            with_choice(R"({"index":1,"delta":{"role":"assistant","content":""},
                            "logprobs":null,"finish_reason":null})"));
  EXPECT_EQ(
      plain(form->chunk(choice, {.content = "Hi"})),
      with_choice(R"({"index":1,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null})"));
  choice.finished = finished(chat::FinishReason::Length);
  EXPECT_EQ(plain(form->closing(choice)),
            with_choice(R"({"index":1,"delta":{},"logprobs":null,"finish_reason":"length"})"));
}

TEST(ChatForm, CallChunksCarryTheNameOnce) {
  const auto form = make_chat_form(kHeader);
  chat::Delta first;
  first.tool_calls = {{0, "call_1", "f", ""}};
  EXPECT_EQ(plain(*form->opening({}, &first))["choices"][0]["delta"]["content"], nullptr);
  EXPECT_EQ(
      plain(form->chunk({}, first))["choices"][0]["delta"],
      json::parse(
          R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]})"));
  chat::Delta later;
  later.tool_calls = {{0, "", "", "{}"}};
  EXPECT_EQ(plain(form->chunk({}, later))["choices"][0]["delta"],
            json::parse(R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})"));
}

TEST(Form, UsageChunkHasNoChoiceAndTheOthersHaveNull) {
  Header header = kHeader;
  header.include_usage = true;
  for (const auto& form : {make_chat_form(header), make_text_form(header)}) {
    EXPECT_EQ(plain(form->chunk({}, {.content = "a"})).at("usage"), nullptr);
    const json got = plain(form->usage_chunk({done("a")}));
    EXPECT_EQ(got["choices"], json::array());
    EXPECT_EQ(got["usage"]["total_tokens"], 15);
  }
}

TEST(Form, APromiseIsSaidOnceTheAnswerIsWhole) {
  Choice choice = done("a");
  const auto says = [](const json& body) { return body.contains("deterministic"); };
  for (const auto& form : {make_chat_form(kHeader), make_text_form(kHeader)}) {
    choice.started.deterministic = false;
    EXPECT_FALSE(says(plain(form->whole({choice}))));
    EXPECT_FALSE(says(plain(form->closing(choice))));
    EXPECT_FALSE(says(plain(form->usage_chunk({choice}))));
    choice.started.deterministic = true;
    EXPECT_EQ(plain(form->whole({choice})).at("deterministic"), true);
    EXPECT_EQ(plain(form->closing(choice)).at("deterministic"), true);
    EXPECT_EQ(plain(form->usage_chunk({choice})).at("deterministic"), true);
    EXPECT_FALSE(says(plain(form->chunk(choice, {.content = "a"}))));
  }
}

TEST(Form, SaysWhatIsNotEnforcedAndWhatThisAnswerBreaks) {
  Choice choice = done("a"), other = done("b");
  for (const auto& form : {make_chat_form(kHeader), make_text_form(kHeader)}) {
    choice.started.loosened = {};
    choice.violations = {};
    EXPECT_FALSE(plain(form->whole({choice})).contains("loosened"));
    choice.started.loosened = {"response_format.format: \"email\" is not known"};
    EXPECT_EQ(plain(form->whole({choice})).at("loosened"), json(choice.started.loosened));
    EXPECT_FALSE(plain(form->whole({choice})).contains("violations"));
    choice.violations = {"message.content.a: is required"};
    other.index = 1;
    other.violations = {"content: no"};
    EXPECT_EQ(plain(form->whole({choice, other})).at("violations"),
              json({"choices[0].message.content.a: is required", "choices[1].content: no"}));
    EXPECT_EQ(plain(form->closing(choice)).at("loosened"), json(choice.started.loosened));
    EXPECT_EQ(plain(form->closing(choice)).at("violations").size(), 1u);
    EXPECT_EQ(plain(form->usage_chunk({choice})).at("violations").size(), 1u);
    EXPECT_FALSE(plain(form->chunk(choice, {.content = "a"})).contains("loosened"));
  }
}

TEST(Form, AnUnknownFingerprintIsNull) {
  Header header = kHeader;
  header.fingerprint = "";
  EXPECT_EQ(plain(make_chat_form(header)->whole({done("")})).at("system_fingerprint"), nullptr);
}

TEST(TextForm, WholeAnswerIsExact) {
  Choice choice = done("é b");
  choice.echo = "Say";
  choice.logprobs = {token("é", -0.5f), token(" b", -1)};
  choice.finished->reason = chat::FinishReason::Length;
  const json got = plain(make_text_form(kHeader)->whole({choice}));
  EXPECT_EQ(got["object"], "text_completion");
  EXPECT_EQ(got["choices"], json::parse(R"([{"text":"Sayé b","index":0,"finish_reason":"length",
    "logprobs":{"tokens":["é"," b"],"token_logprobs":[-0.5,-1.0],
      "top_logprobs":[{"é":-0.5,"z":-2.0},{" b":-1.0,"z":-2.0}],"text_offset":[3,4]}}])"));
}

TEST(TextForm, StreamsTheEchoFirstAndCountsOn) {
  const auto form = make_text_form(kHeader);
  Choice choice;
  EXPECT_FALSE(form->opening(choice, nullptr));
  choice.echo = "Say";
  EXPECT_EQ(plain(*form->opening(choice, nullptr))["choices"][0]["text"], "Say");
  choice.characters = 7;
  chat::Delta delta{.content = "x"};
  delta.logprobs = {token("x", -1)};
  EXPECT_EQ(plain(form->chunk(choice, delta))["choices"][0]["logprobs"]["text_offset"], json({7}));
}

TEST(Usage, CountsEachPromptOnce) {
  Choice first = done(""), second = done(""), failed;
  second.counts_prompt = false;
  const json got = plain(usage_json({first, second, failed}));
  EXPECT_EQ(got["prompt_tokens"], 10);
  EXPECT_EQ(got["completion_tokens"], 10);
  EXPECT_EQ(got["total_tokens"], 20);
}

TEST(Timings, AreLlamaServers) {
  EXPECT_EQ(plain(timings_json(finished())),
            json::parse(R"({"cache_n":4,"prompt_n":6,"prompt_ms":12.0,
    "prompt_per_token_ms":2.0,"prompt_per_second":500.0,"predicted_n":5,"predicted_ms":50.0,
    "predicted_per_token_ms":10.0,"predicted_per_second":100.0,"draft_n":0,"draft_n_accepted":0,
    "forced_n":0})"));
  const json nothing = plain(timings_json(chat::Finished{}));
  EXPECT_EQ(nothing["prompt_per_token_ms"], 0.0);
  EXPECT_EQ(nothing["predicted_per_second"], 0.0);
}

TEST(QuestionJson, SaysHowFarAnAnswerMayReach) {
  chat::Question question{};
  question.session_id = "sess_1";
  question.turn = 4;
  Json got = question_json(question);
  EXPECT_EQ(got["session_id"], "sess_1");
  EXPECT_EQ(got["turn"], 4);
  EXPECT_EQ(got["scopes"], Json::array({"once"}));
  EXPECT_EQ(got["patterns"], Json::object());
  question.this_pattern = "/w/a.txt";
  got = question_json(question);
  EXPECT_EQ(got["scopes"], Json::array({"once", "session", "always"}));
  EXPECT_EQ(got["patterns"], (Json{{"this", "/w/a.txt"}}));
  question.alike_pattern = "/w/*";
  EXPECT_EQ(question_json(question)["patterns"]["alike"], "/w/*");
}

}  // namespace
}  // namespace hearth::api
