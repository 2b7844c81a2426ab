#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/anthropic.h"
#include "dialect/random_talk.h"

namespace hearth::dialect::anthropic {
namespace {

using chat::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Ask asked(std::vector<chat::Message> messages) {
  Ask ask{.model = "claude"};
  ask.request.prompt = chat::Conversation{.messages = std::move(messages)};
  return ask;
}
Json written(const Ask& ask, const ClientOptions& options = {}) {
  auto got = write_request(ask, options);
  EXPECT_TRUE(got.ok()) << got.error().message;
  return got.ok() ? got.value().what : Json();
}
std::vector<std::string> lost_of(const Ask& ask, const ClientOptions& options = {}) {
  return write_request(ask, options).value().lost.lines();
}
Result<Carried<Ask>> read(const std::string& text, Endpoint endpoint = Endpoint::Messages) {
  return read_request(Json::parse(text), endpoint);
}
/// A request with these fields beside the required ones.
Result<Carried<Ask>> read_with(const std::string& fields) {
  return read(R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],)" +
              fields + "}");
}
const chat::Conversation& talk_of(const Result<Carried<Ask>>& got) {
  return std::get<chat::Conversation>(got.value().what.request.prompt);
}

TEST(AnthropicWriteRequest, IsWhatTheApiTakes) {
  Ask ask = asked(
      {{.role = Role::System, .content = "be brief"},
       {.role = Role::User, .content = "two cities"},
       {.role = Role::Assistant,
        .content = "I look.",
        .tool_calls = {{"toolu_1", "weather", R"({"city":"Bern"})"},
                       {"toolu_2", "weather", R"({"city":"Rome"})"}}},
       {.role = Role::Tool, .content = "no such city", .tool_call_id = "toolu_2", .is_error = true},
       {.role = Role::Tool, .content = "rain", .tool_call_id = "toolu_1"},
       {.role = Role::User, .content = "and?"}});
  auto& talk = std::get<chat::Conversation>(ask.request.prompt);
  talk.tools = {{"weather", "of a city", R"({"type":"object","properties":{}})"}};
  talk.tool_choice.mode = chat::ToolChoice::Mode::Required;
  talk.parallel_tool_calls = false;
  ask.request.tokens_max = 100;
  ask.request.stop = {"END"};
  ask.request.sampling.temperature = 0.7f;
  ask.request.sampling.top_k = 5;
  ask.stream = true;
  EXPECT_EQ(written(ask), Json::parse(R"({
    "model":"claude","max_tokens":100,
    "tools":[{"name":"weather","description":"of a city",
              "input_schema":{"type":"object","properties":{}}}],
    "system":[{"type":"text","text":"be brief"}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"two cities"}]},
      {"role":"assistant","content":[{"type":"text","text":"I look."},
        {"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Bern"}},
        {"type":"tool_use","id":"toolu_2","name":"weather","input":{"city":"Rome"}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"toolu_1","content":"rain"},
        {"type":"tool_result","tool_use_id":"toolu_2","content":"no such city","is_error":true},
        {"type":"text","text":"and?"}]}],
    "tool_choice":{"type":"any","disable_parallel_tool_use":true},
    "temperature":0.7,"top_k":5,"stop_sequences":["END"],"stream":true})"));
  EXPECT_THAT(lost_of(ask), IsEmpty());
}

TEST(AnthropicWriteRequest, MarksTheBordersOfZones) {
  Ask ask = asked({{.role = Role::System, .content = "s"},
                   {.role = Role::User, .content = "a"},
                   {.role = Role::Assistant, .content = "b"},
                   {.role = Role::User, .content = "c"}});
  auto& talk = std::get<chat::Conversation>(ask.request.prompt);
  talk.tools = {{"f", "", "{}"}};
  talk.tail = "today is Monday";
  ask.cache_behind = {0, 1, 3, 4};
  const Json body = written(ask);
  const Json mark = {{"type", "ephemeral"}};
  EXPECT_EQ(body["tools"][0]["cache_control"], mark);
  EXPECT_EQ(body["system"][0]["cache_control"], mark);
  EXPECT_FALSE(body["messages"][0]["content"][0].contains("cache_control"));
  EXPECT_EQ(body["messages"][1]["content"][0]["cache_control"], mark);
  EXPECT_EQ(body["messages"][2]["content"][0]["cache_control"], mark);
  EXPECT_EQ(body["messages"][2]["content"][1],
            Json::parse(R"({"type":"text","text":"today is Monday"})"));
  ask.cache_behind = {0, 1, 2, 3, 4};
  EXPECT_EQ(write_request(ask).error().field, "cache_behind");
}

TEST(AnthropicWriteRequest, NamesWhatItCannotCarry) {
  const chat::Message user{.role = Role::User, .content = "a"};
  struct Case {
    const char* line;
    std::function<void(Ask&, chat::Conversation&)> change;
  };
  const Case kCases[] = {
      {"messages[1].role: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::System, "later"});
       }},
      {"messages[1].reasoning: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::Assistant, "x", "thought"});
       }},
      {"messages[0].name: ", [](Ask&, auto& t) { t.messages[0].name = "ann"; }},
      {"messages[1].content: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::User, " \n"});
       }},
      {"messages[1].content: white space",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::Assistant, "so "});
       }},
      {"messages[1]: answers no call",
       [](Ask&, auto& t) {
         t.messages.push_back({.role = Role::Tool, .content = "x", .tool_call_id = "1"});
       }},
      {"messages[1].tool_calls: one has no answer",
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "{}"}}});
       }},
      {"messages[1].tool_calls[0].arguments: ",
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "{"}}});
       }},
      {"temperature: ", [](Ask& a, auto&) { a.request.sampling.temperature = 1.5f; }},
      {"top_p: ",
       [](Ask& a, auto&) { a.request.sampling.temperature = a.request.sampling.top_p = 0.5f; }},
      {"min_p: ", [](Ask& a, auto&) { a.request.sampling.min_p = 0.5f; }},
      {"typical_p: ", [](Ask& a, auto&) { a.request.sampling.typical_p = 0.5f; }},
      {"repeat_penalty: ", [](Ask& a, auto&) { a.request.sampling.repeat_penalty = 1.5f; }},
      {"presence_penalty: ", [](Ask& a, auto&) { a.request.sampling.presence_penalty = 1; }},
      {"frequency_penalty: ", [](Ask& a, auto&) { a.request.sampling.frequency_penalty = 1; }},
      {"seed: ", [](Ask& a, auto&) { a.request.sampling.seed = 1; }},
      {"logit_bias: ",
       [](Ask& a, auto&) {
         a.request.sampling.logit_bias = {{1, 1.0f}};
       }},
      {"top_logprobs: ", [](Ask& a, auto&) { a.request.top_logprobs = 1; }},
      {"ignore_eos: ", [](Ask& a, auto&) { a.request.ignore_eos = true; }},
      {"deterministic: ", [](Ask& a, auto&) { a.request.deterministic = true; }},
      {"stop[0]: ", [](Ask& a, auto&) { a.request.stop = {"\n"}; }},
      {"format: ",
       [](Ask& a, auto&) {
         a.request.format = {chat::OutputFormat::Kind::JsonSchema, "{}"};
       }},
  };
  EXPECT_THAT(lost_of(asked({user})), IsEmpty());
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.line);
    Ask ask = asked({user});
    c.change(ask, std::get<chat::Conversation>(ask.request.prompt));
    const auto lost = lost_of(ask);
    EXPECT_THAT(lost, ::testing::Contains(::testing::StartsWith(c.line)));
  }
}

TEST(AnthropicWriteRequest, MendsWhatWouldBeRefused) {
  Ask ask = asked({{.role = Role::Assistant,
                    .content = "",
                    .tool_calls = {{"call 1", "f", "not json"}, {"b", "f", ""}}},
                   {.role = Role::Tool, .content = "orphan", .tool_call_id = "z"}});
  const Json body = written(ask);
  const Json& call = body["messages"][0]["content"][0];
  EXPECT_EQ(call["input"], Json({{"arguments", "not json"}}));
  EXPECT_THAT(call["id"].get<std::string>(), HasSubstr("call_"));
  const Json& results = body["messages"][1]["content"];
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0]["tool_use_id"], call["id"]);
  EXPECT_EQ(results[0]["is_error"], true);
  EXPECT_EQ(body["max_tokens"], 4'096);
  EXPECT_EQ(written(ask, {.tokens_max = 7})["max_tokens"], 7);
  ask.request.format = {chat::OutputFormat::Kind::JsonSchema, R"({"type":"object"})"};
  EXPECT_EQ(written(ask, {.output_format = true})["output_config"]["format"],
            Json::parse(R"({"type":"json_schema","schema":{"type":"object"}})"));
}

TEST(AnthropicWriteRequest, RefusesWhatIsNoConversation) {
  Ask plain{.model = "m"};
  plain.request.prompt = chat::PlainText{"x"};
  EXPECT_EQ(write_request(plain).error().field, "prompt");
  EXPECT_EQ(write_request(asked({})).error().field, "messages");
  EXPECT_EQ(write_request(asked({{Role::System, "alone"}})).error().field, "messages");
  Ask image = asked({{.role = Role::User, .content = "", .images = {{.url = "ftp://x"}}}});
  EXPECT_EQ(write_request(image).error().field, "messages[0].images[0]");
}

TEST(AnthropicReadRequest, ReadsWhatClientsSend) {
  const auto got = read(R"({
    "model":"hearth","max_tokens":1024,"stream":true,"temperature":0.5,"top_p":0.9,"top_k":40,
    "stop_sequences":["a","b"],"metadata":{"user_id":"u"},"service_tier":"auto",
    "thinking":{"type":"enabled","budget_tokens":1024},
    "system":[{"type":"text","text":"one"},
              {"type":"text","text":"two","cache_control":{"type":"ephemeral"}}],
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}},
             {"type":"web_search_20250305","name":"web_search"}],
    "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
    "messages":[
      {"role":"user","content":[{"type":"text","text":"see"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
        {"type":"text","text":"and"},{"type":"text","text":"this"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
        {"type":"text","text":"I call"},
        {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":[1,2.5]}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"toolu_1","is_error":true,
         "content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},
        {"type":"text","text":"go on","cache_control":{"type":"ephemeral"}}]}]})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Ask& ask = got.value().what;
  EXPECT_EQ(ask.model, "hearth");
  EXPECT_TRUE(ask.stream);
  EXPECT_EQ(ask.request.tokens_max, 1'024u);
  EXPECT_THAT(ask.request.stop, ElementsAre("a", "b"));
  EXPECT_FLOAT_EQ(ask.request.sampling.temperature, 0.5f);
  EXPECT_FLOAT_EQ(ask.request.sampling.top_p, 0.9f);
  EXPECT_EQ(ask.request.sampling.top_k, 40);
  EXPECT_THAT(ask.cache_behind, ElementsAre(1u, 5u));
  const chat::Conversation& talk = talk_of(got);
  ASSERT_EQ(talk.messages.size(), 5u);
  EXPECT_EQ(talk.messages[0].content, "one\ntwo");
  EXPECT_EQ(talk.messages[1].content, "seeand\nthis");
  EXPECT_THAT(talk.messages[1].images,
              ElementsAre(chat::Image{.media_type = "image/png", .data = "AAAA", .at = 3}));
  EXPECT_EQ(talk.messages[2].reasoning, "hm");
  EXPECT_EQ(talk.messages[2].tool_calls[0].arguments, R"({"a":[1,2.5]})");
  EXPECT_EQ(talk.messages[3].role, Role::Tool);
  EXPECT_EQ(talk.messages[3].content, "x\ny");
  EXPECT_EQ(talk.messages[3].name, "f");
  EXPECT_TRUE(talk.messages[3].is_error);
  EXPECT_EQ(talk.messages[4].content, "go on");
  EXPECT_EQ(talk.tools.size(), 1u);
  EXPECT_EQ(talk.tool_choice.name, "f");
  EXPECT_FALSE(talk.parallel_tool_calls);
  EXPECT_THAT(got.value().lost.lines(),
              ElementsAre("tools[1]: a tool that the provider would run is not offered",
                          "messages[1].content[0].signature: is not kept", "metadata: is not used",
                          "service_tier: is not used", "thinking: is not used"));
}

TEST(AnthropicReadRequest, CountsWithoutALimit) {
  const char* const kBody = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
  EXPECT_EQ(read(kBody, Endpoint::CountTokens).value().what.request.tokens_max, 0u);
  EXPECT_EQ(read(kBody).error().field, "max_tokens");
}

TEST(AnthropicReadRequest, ReadsASchema) {
  for (const char* name : {R"("output_config":{"format":)", R"("output_format":)"}) {
    const std::string end = std::string(name).ends_with("format\":") && name[8] == 'c' ? "}" : "";
    const auto got =
        read_with(std::string(name) + R"({"type":"json_schema","schema":{"type":"object"}})" + end);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got.value().what.request.format.source, R"({"type":"object"})");
  }
}

TEST(AnthropicReadRequest, RefusesWithTheField) {
  const std::string many_marks =
      R"("system":[{"type":"text","text":"s","cache_control":{}}],"tools":[{"name":"f",)"
      R"("input_schema":{},"cache_control":{}}],"messages":[)" +
      std::string(R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]},)") +
      R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]},)"
      R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]}])";
  std::string images = "[";
  for (std::size_t i = 0; i <= chat::kImagesMax; ++i)
    images += std::string(i ? "," : "") +
              R"({"type":"image","source":{"type":"url","url":"http://a/b"}})";
  struct Case {
    std::string text;
    const char* field;
    const char* problem;
  };
  const auto body = [](const std::string& fields) {
    return "{\"model\":\"m\",\"max_tokens\":9," + fields + "}";
  };
  const auto blocks = [&](const std::string& role, const std::string& list) {
    return body(R"("messages":[{"role":")" + role + R"(","content":)" + list + "}]");
  };
  const auto with = [&](const std::string& fields) {
    return body(R"("messages":[{"role":"user","content":"x"}],)" + fields);
  };
  const Case kCases[] = {
      {"[]", "", "a JSON object"},
      {R"({"max_tokens":1})", "model", "a string"},
      {R"({"model":"","max_tokens":1})", "model", "1 to 256 bytes"},
      {R"({"model":"m","max_tokens":0})", "max_tokens", "from 1"},
      {R"({"model":"m","max_tokens":"9"})", "max_tokens", "whole number"},
      {body(R"("a":1)"), "messages", "at least one"},
      {body(R"("messages":[])"), "messages", "at least one"},
      {body(R"("messages":{})"), "messages", "an array"},
      {body(R"("messages":[1])"), "messages[0]", "object"},
      {body(R"("messages":[{"role":"system","content":"x"}])"), "messages[0].role",
       "the field system"},
      {body(R"("messages":[{"role":"tool","content":"x"}])"), "messages[0].role",
       "user or assistant"},
      {body(R"("messages":[{"role":"user"}])"), "messages[0].content", "is required"},
      {blocks("user", "7"), "messages[0].content", "array of blocks"},
      {blocks("user", "[]"), "messages[0].content", "empty"},
      {blocks("user", R"([{"text":"x"}])"), "messages[0].content[0].type", "a string"},
      {blocks("user", R"([{"type":"text"}])"), "messages[0].content[0].text", "a string"},
      {blocks("user", R"([{"type":"document"}])"), "messages[0].content[0].type", "not supported"},
      {blocks("user", R"([{"type":"image"}])"), "messages[0].content[0].source", "is required"},
      {blocks("user", R"([{"type":"image","source":{"type":"file"}}])"),
       "messages[0].content[0].source.type", "base64 or url"},
      {blocks("user", R"([{"type":"image","source":{"type":"url","url":"x"}}])"),
       "messages[0].content[0].source", "https://"},
      {blocks("user", images + "]"), "messages[0].content[100].source", "at most 100 images"},
      {blocks("user", R"([{"type":"tool_result","tool_use_id":"x"}])"),
       "messages[0].content[0].tool_use_id", "no earlier message"},
      {blocks("assistant", R"([{"type":"tool_use","id":"","name":"f","input":{}}])"),
       "messages[0].content[0].id", "1 to 256"},
      {blocks("assistant", R"([{"type":"tool_use","id":"1","name":"a b","input":{}}])"),
       "messages[0].content[0].name", "1 to 64"},
      {blocks("assistant", R"([{"type":"tool_use","id":"1","name":"f","input":"{}"}])"),
       "messages[0].content[0].input", "an object"},
      {blocks("assistant", R"([{"type":"image"}])"), "messages[0].content[0].type",
       "not supported"},
      {with(R"("temperature":1.1)"), "temperature", "from 0 to 1"},
      {with(R"("top_k":-1)"), "top_k", "from 0"},
      {with(R"("top_p":2)"), "top_p", "from 0 to 1"},
      {with(R"("stop_sequences":"x")"), "stop_sequences", "an array"},
      {with(R"("stop_sequences":[""])"), "stop_sequences[0]", "empty"},
      {with(R"("stop_sequences":["1","2","3","4","5","6","7","8","9","10","11","12","13","14",
              "15","16","17"])"),
       "stop_sequences", "at most 16"},
      {with(R"("stream":1)"), "stream", "true or false"},
      {with(R"("system":5)"), "system", "a string"},
      {with(R"("system":[{"type":"image"}])"), "system[0].type", "only text"},
      {with(R"("tools":[{"name":"f"}])"), "tools[0].input_schema", "is required"},
      {with(R"("tools":[{"name":"f","input_schema":{"type":"string"}}])"),
       "tools[0].input_schema.type", "must be object"},
      {with(R"("tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}])"),
       "tools[1].name", "already taken"},
      {with(R"("tool_choice":{"type":"any"})"), "tool_choice", "at least one tool"},
      {with(R"("tool_choice":{"type":"tool","name":"f"})"), "tool_choice.name", "no tool"},
      {with(R"("tool_choice":{"type":"some"})"), "tool_choice.type", "must be auto"},
      {with(R"("tool_choice":"auto")"), "tool_choice", "object"},
      {with(R"("output_format":{"type":"json"})"), "output_format.type", "json_schema"},
      {with(R"("output_config":{"format":{"type":"json_schema"}})"), "output_config.format.schema",
       "is required"},
      {body(many_marks), "cache_control", "at most 4"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text.substr(0, 120));
    const auto got = read(c.text);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, c.field);
    EXPECT_THAT(got.error().message, HasSubstr(c.problem));
  }
}

TEST(AnthropicRequest, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    testing::RandomTalk random(seed, {});
    Ask ask = random.ask();
    const auto count = std::get<chat::Conversation>(ask.request.prompt).messages.size();
    if (seed % 3 == 0) ask.cache_behind = {1, static_cast<std::uint32_t>(count)};
    if (ask.cache_behind.size() == 2 && count == 1) ask.cache_behind.pop_back();
    const auto wrote = write_request(ask);
    ASSERT_TRUE(wrote.ok()) << wrote.error().message;
    EXPECT_THAT(wrote.value().lost.lines(), IsEmpty());
    const auto text = chat::json_text(wrote.value().what);
    const auto back = read(text);
    ASSERT_TRUE(back.ok()) << back.error().message << text;
    EXPECT_THAT(back.value().lost.lines(), IsEmpty());
    EXPECT_EQ(testing::shown(back.value().what), testing::shown(ask)) << text;
  }
}

}  // namespace
}  // namespace hearth::dialect::anthropic
