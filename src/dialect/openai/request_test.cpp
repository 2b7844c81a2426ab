#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dialect/openai.h"
#include "dialect/random_talk.h"

namespace hearth::dialect::openai {
namespace {

using chat::Role;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Ask asked(std::vector<chat::Message> messages) {
  Ask ask{.model = "gpt"};
  ask.request.prompt = chat::Conversation{.messages = std::move(messages)};
  return ask;
}
Json written(const Ask& ask, const Options& options = {}) {
  auto got = write_request(ask, options);
  EXPECT_TRUE(got.ok()) << got.error().message;
  return got.ok() ? got.value().what : Json();
}

TEST(OpenAiWriteRequest, IsWhatTheApiTakes) {
  Ask ask =
      asked({{.role = Role::System, .content = "be brief"},
             {.role = Role::User,
              .content = "look",
              .name = "ann",
              .images = {{.media_type = "image/png", .data = "AAAA", .at = 4},
                         {.url = "https://example.org/a.png", .at = 4}}},
             {.role = Role::Assistant,
              .content = "",
              .tool_calls = {{"call_1", "weather", R"({"city": "Bern"})"}, {"call_2", "now", ""}}},
             {.role = Role::Tool, .content = "rain", .tool_call_id = "call_1", .name = "weather"},
             {.role = Role::Tool, .content = "noon", .tool_call_id = "call_2", .name = "now"}});
  auto& talk = std::get<chat::Conversation>(ask.request.prompt);
  talk.tools = {{"weather", "of a city", R"({"type":"object","properties":{"city":{}}})"},
                {"now", "", "{}"}};
  talk.tool_choice = {chat::ToolChoice::Mode::Named, "now"};
  talk.parallel_tool_calls = false;
  talk.tail = "It is noon.";
  ask.request.tokens_max = 100;
  ask.request.stop = {"END"};
  ask.request.sampling.temperature = 0.7f;
  ask.request.sampling.seed = 7;
  ask.request.sampling.presence_penalty = -0.5f;
  ask.request.format = {chat::OutputFormat::Kind::JsonSchema, R"({"type":"object"})"};
  ask.stream = true;
  EXPECT_EQ(written(ask), Json::parse(R"({
    "model":"gpt",
    "messages":[
      {"role":"system","content":"be brief"},
      {"role":"user","content":[{"type":"text","text":"look"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
        {"type":"image_url","image_url":{"url":"https://example.org/a.png"}},
        {"type":"text","text":"It is noon."}],"name":"ann"},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"call_1","type":"function",
         "function":{"name":"weather","arguments":"{\"city\": \"Bern\"}"}},
        {"id":"call_2","type":"function","function":{"name":"now","arguments":"{}"}}]},
      {"role":"tool","content":"rain","tool_call_id":"call_1"},
      {"role":"tool","content":"noon","tool_call_id":"call_2"}],
    "tools":[
      {"type":"function","function":{"name":"weather","description":"of a city",
        "parameters":{"type":"object","properties":{"city":{}}}}},
      {"type":"function","function":{"name":"now",
        "parameters":{"type":"object","properties":{}}}}],
    "tool_choice":{"type":"function","function":{"name":"now"}},
    "parallel_tool_calls":false,
    "temperature":0.7,"presence_penalty":-0.5,"seed":7,
    "max_completion_tokens":100,"stop":["END"],
    "response_format":{"type":"json_schema",
      "json_schema":{"name":"answer","schema":{"type":"object"}}},
    "stream":true,"stream_options":{"include_usage":true}})"));
  EXPECT_THAT(write_request(ask).value().lost.lines(), IsEmpty());
}

TEST(OpenAiWriteRequest, SaysWhatIsOnlyAskedFor) {
  const Json body = written(asked({{Role::User, "hi"}}));
  EXPECT_EQ(body, Json::parse(R"({"model":"gpt","messages":[{"role":"user","content":"hi"}]})"));
}

TEST(OpenAiWriteRequest, PutsTheTailBehindTheLastUser) {
  Ask ask = asked({{Role::User, "a"}, {Role::Assistant, "b"}, {Role::User, "c"}});
  std::get<chat::Conversation>(ask.request.prompt).tail = "t";
  EXPECT_EQ(written(ask)["messages"][0]["content"], "a");
  EXPECT_EQ(written(ask)["messages"][2]["content"], "c\n\nt");
}

TEST(OpenAiWriteRequest, SpeaksAsEachServerListens) {
  Ask ask = asked({{.role = Role::Assistant,
                    .content = "",
                    .reasoning = "hm",
                    .tool_calls = {{"call_12345", "f", "{}"}}},
                   {.role = Role::Tool, .content = "x", .tool_call_id = "call_12345"}});
  ask.request.tokens_max = 5;
  ask.request.sampling.seed = 3;
  ask.request.sampling.top_k = 40;
  ask.stream = true;
  struct Case {
    const char* server;
    const char* tokens;
    bool stream_options;
    const char* seed;
    bool top_k;
    bool reasoning;
  };
  const Case kCases[] = {
      {"openai", "max_completion_tokens", true, "seed", false, false},
      {"xai", "max_tokens", true, "seed", false, false},
      {"groq", "max_completion_tokens", true, "seed", false, false},
      {"mistral", "max_tokens", false, "random_seed", false, false},
      {"openrouter", "max_tokens", true, "seed", false, false},
      {"llama-server", "max_tokens", true, "seed", true, true},
      {"some other", "max_tokens", true, "seed", false, false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.server);
    const Json body = written(ask, options_of(c.server));
    EXPECT_EQ(body[c.tokens], 5);
    EXPECT_FALSE(body.contains("max_tokens") && body.contains("max_completion_tokens"));
    EXPECT_EQ(body.contains("stream_options"), c.stream_options);
    EXPECT_EQ(body[c.seed], 3);
    EXPECT_EQ(body.contains("top_k"), c.top_k);
    EXPECT_EQ(body["messages"][0].contains("reasoning_content"), c.reasoning);
    EXPECT_EQ(body["messages"][0]["tool_calls"][0]["id"], body["messages"][1]["tool_call_id"]);
  }
  const Json body = written(ask, options_of("mistral"));
  EXPECT_EQ(body["messages"][1]["tool_call_id"].get<std::string>().size(), 9u);
}

TEST(OpenAiWriteRequest, NamesWhatItCannotCarry) {
  struct Case {
    const char* line;
    Options options;
    std::function<void(Ask&, chat::Conversation&)> change;
  };
  const auto image = [](Ask&, chat::Conversation& t) {
    t.messages[0].images = {{.url = "https://example.org/a.png"}};
  };
  using Kind = chat::OutputFormat::Kind;
  const Case kCases[] = {
      {"messages[0].images[0]: ", {.images = false}, image},
      {"messages[0].images: ", {.image_urls = false}, image},
      {"messages[2].images[0]: ",
       {},
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "{}"}}});
         t.messages.push_back({.role = Role::Tool,
                               .content = "x",
                               .tool_call_id = "1",
                               .images = {{.url = "https://example.org/a.png"}}});
       }},
      {"messages[2].is_error: ",
       {},
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "{}"}}});
         t.messages.push_back(
             {.role = Role::Tool, .content = "x", .tool_call_id = "1", .is_error = true});
       }},
      {"messages[1].reasoning: ",
       {},
       [](Ask&, auto& t) {
         t.messages.push_back({Role::Assistant, "x", "hm"});
       }},
      {"messages[0].name: ",
       {.speaker_names = false},
       [](Ask&, auto& t) { t.messages[0].name = "ann"; }},
      {"messages[1].tool_calls[0].arguments: ",
       {},
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "[1]"}}});
       }},
      {"parallel_tool_calls: ",
       {.parallel_tool_calls = false},
       [](Ask&, auto& t) {
         t.tools = {{"f", "", "{}"}};
         t.parallel_tool_calls = false;
       }},
      {"temperature: ",
       {.sampling = false},
       [](Ask& a, auto&) { a.request.sampling.temperature = 0; }},
      {"presence_penalty: ",
       {.penalties = false},
       [](Ask& a, auto&) { a.request.sampling.presence_penalty = 1; }},
      {"top_k: ", {}, [](Ask& a, auto&) { a.request.sampling.top_k = 1; }},
      {"seed: ", {.seed = ""}, [](Ask& a, auto&) { a.request.sampling.seed = 1; }},
      {"stop[4]: at most 4",
       {},
       [](Ask& a, auto&) {
         a.request.stop = {"1", "2", "3", "4", "5"};
       }},
      {"format: ",
       {},
       [](Ask& a, auto&) {
         a.request.format = {Kind::Grammar, "root ::= \"a\""};
       }},
      {"format: any JSON",
       {.json_schema = false},
       [](Ask& a, auto&) {
         a.request.format = {Kind::JsonSchema, "{}"};
       }},
      {"top_logprobs: ", {}, [](Ask& a, auto&) { a.request.top_logprobs = 2; }},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.line);
    Ask ask = asked({{Role::User, "a"}});
    c.change(ask, std::get<chat::Conversation>(ask.request.prompt));
    EXPECT_THAT(write_request(ask, c.options).value().lost.lines(), Contains(StartsWith(c.line)));
  }
}

TEST(OpenAiWriteRequest, RefusesWhatIsNoConversation) {
  Ask plain{.model = "m"};
  plain.request.prompt = chat::PlainTokens{{1}};
  EXPECT_EQ(write_request(plain).error().field, "prompt");
  EXPECT_EQ(write_request(asked({})).error().field, "messages");
  Ask image = asked({{.role = Role::User, .content = "", .images = {{.data = "AAAA"}}}});
  EXPECT_EQ(write_request(image).error().field, "messages[0].images[0]");
}

}  // namespace
}  // namespace hearth::dialect::openai
