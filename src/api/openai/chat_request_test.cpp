#include "api/openai/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::uint32_t kVocabulary = 1'000;

Result<ChatRequest> parse(const std::string& text) {
  return parse_chat_request(json::parse(text), kVocabulary);
}
Result<ChatRequest> parse_with(const std::string& fields) {
  return parse(R"({"messages":[{"role":"user","content":"hi"}],)" + fields + "}");
}
Result<ChatRequest> parse_messages_text(const std::string& messages) {
  return parse(R"({"messages":)" + messages + "}");
}
const chat::Conversation& conversation(const Result<ChatRequest>& got) {
  return std::get<chat::Conversation>(got.value().request.prompt);
}

struct Refused {
  const char* text;
  const char* field;
  const char* message;
};

void expect_refused(const Refused& c, const Result<ChatRequest>& got) {
  SCOPED_TRACE(c.text);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::InvalidInput);
  EXPECT_EQ(got.error().field, c.field);
  EXPECT_THAT(got.error().message, HasSubstr(c.message));
}

TEST(ChatRequest, HasOpenAiDefaults) {
  const auto got = parse(R"({"messages":[{"role":"user","content":"hi"}]})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const chat::Request& request = got.value().request;
  EXPECT_EQ(request.sampling.temperature, 1.0f);
  EXPECT_EQ(request.sampling.top_p, 1.0f);
  EXPECT_FALSE(request.tokens_max);
  EXPECT_FALSE(request.top_logprobs);
  EXPECT_TRUE(request.cache_prompt);
  EXPECT_TRUE(request.lookup);
  EXPECT_TRUE(request.forced_tokens);
  EXPECT_EQ(request.format.kind, chat::OutputFormat::Kind::Text);
  EXPECT_EQ(got.value().delivery.choices, 1u);
  EXPECT_FALSE(got.value().delivery.stream);
  EXPECT_FALSE(got.value().delivery.seed);
  EXPECT_TRUE(conversation(got).parallel_tool_calls);
}

TEST(ChatRequest, ReadsDeterministic) {
  EXPECT_FALSE(parse_with(R"("seed":1)").value().request.deterministic);
  EXPECT_FALSE(parse_with(R"("deterministic":false)").value().request.deterministic);
  EXPECT_TRUE(parse_with(R"("deterministic":true)").value().request.deterministic);
  EXPECT_TRUE(parse_with(R"("deterministic":true,"seed":0)").value().request.deterministic);
  EXPECT_TRUE(parse_with(R"("deterministic":false,"seed":-1)").ok());
  const Refused kCases[] = {
      {R"("deterministic":1)", "deterministic", ""},
      {R"("deterministic":"true")", "deterministic", ""},
      {R"("deterministic":true,"seed":-1)", "deterministic", "contradicts seed"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_with(c.text));
}

TEST(ChatRequest, ReadsEverySamplerField) {
  const auto got = parse_with(
      R"("temperature":0.5,"top_k":40,"top_p":0.9,"min_p":0.05,"typical_p":0.8,"repeat_penalty":1.1,
         "repeat_last_n":-1,"presence_penalty":-2,"frequency_penalty":2,"logit_bias":{"7":-100,"999":1.5},
         "max_tokens":5,"stop":"x","logprobs":true,"top_logprobs":20,"cache_prompt":false,
         "ignore_eos":true,"lookup":false,"forced_tokens":false,
         "n":8,"stream":true,"stream_options":{"include_usage":true},"seed":-9)");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const chat::Request& request = got.value().request;
  const chat::Sampling& sampling = request.sampling;
  EXPECT_FLOAT_EQ(sampling.temperature, 0.5f);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_FLOAT_EQ(sampling.top_p, 0.9f);
  EXPECT_FLOAT_EQ(sampling.min_p, 0.05f);
  EXPECT_FLOAT_EQ(sampling.typical_p, 0.8f);
  EXPECT_FLOAT_EQ(sampling.repeat_penalty, 1.1f);
  EXPECT_EQ(sampling.repeat_last_n, -1);
  EXPECT_EQ(sampling.presence_penalty, -2.0f);
  EXPECT_EQ(sampling.frequency_penalty, 2.0f);
  EXPECT_THAT(sampling.logit_bias, ElementsAre(Pair(7, -100.0f), Pair(999, 1.5f)));
  EXPECT_EQ(request.tokens_max, 5u);
  EXPECT_THAT(request.stop, ElementsAre("x"));
  EXPECT_EQ(request.top_logprobs, 20u);
  EXPECT_FALSE(request.cache_prompt);
  EXPECT_FALSE(request.lookup);
  EXPECT_FALSE(request.forced_tokens);
  EXPECT_TRUE(request.ignore_eos);
  EXPECT_EQ(got.value().delivery.choices, 8u);
  EXPECT_TRUE(got.value().delivery.stream && got.value().delivery.include_usage);
  EXPECT_EQ(got.value().delivery.seed, static_cast<std::uint64_t>(-9));
}

TEST(ChatRequest, AcceptsTheEdges) {
  const std::string stop256 = R"("stop":[")" + std::string(256, 'x') + R"("])";
  const std::string session = R"("session_id":")" + std::string(128, 'x') + '"';
  const std::string cache_key = R"("cache":{"key":")" + std::string(128, 'k') + R"("})";
  for (const std::string& fields : std::vector<std::string>{
           R"("temperature":0)",
           R"("temperature":2)",
           R"("top_p":0)",
           R"("top_p":1)",
           R"("top_k":-1)",
           R"("max_tokens":1)",
           R"("max_tokens":2147483647)",
           R"("max_completion_tokens":3.0)",
           R"("max_tokens":3,"max_completion_tokens":3)",
           R"("n":1)",
           R"("seed":0)",
           R"("seed":-1)",
           R"("seed":18446744073709551615)",
           R"("seed":-9223372036854775808)",
           R"("seed":null)",
           R"("logprobs":false,"top_logprobs":0)",
           R"("logprobs":null,"top_logprobs":null)",
           R"("stop":[])",
           R"("stop":null)",
           stop256,
           session,
           R"("tools":[])",
           R"("tools":null)",
           R"("tool_choice":"none")",
           R"("tool_choice":"auto")",
           R"("modalities":["text"])",
           R"("cache":null)",
           R"("cache":{})",
           R"("cache":{"key":null,"border":1})",
           cache_key,
           R"("response_format":{"type":"text"})",
           R"("grammar":"")",
           R"("grammar":null)",
           R"("store":true,"metadata":{"a":"b"},"user":"u","service_tier":"auto","prediction":{},
              "reasoning_effort":"low","something_new":[1])"}) {
    const auto got = parse_with(fields);
    EXPECT_TRUE(got.ok()) << fields << ": " << got.error().message;
  }
}

TEST(ChatRequest, RefusesBeyondTheEdges) {
  const Refused kCases[] = {
      {R"("temperature":2.01)", "temperature", "from 0 to 2"},
      {R"("temperature":-0.01)", "temperature", "from 0 to 2"},
      {R"("temperature":"1")", "temperature", "number from 0 to 2"},
      {R"("top_p":1.01)", "top_p", "from 0 to 1"},
      {R"("top_k":1.5)", "top_k", "whole number"},
      {R"("top_k":-2)", "top_k", "from -1"},
      {R"("min_p":-0.1)", "min_p", "from 0 to 1"},
      {R"("typical_p":0)", "typical_p", "to 1"},
      {R"("repeat_penalty":2.1)", "repeat_penalty", "to 2"},
      {R"("repeat_last_n":65537)", "repeat_last_n", "-1 to 65536"},
      {R"("presence_penalty":2.1)", "presence_penalty", "-2 to 2"},
      {R"("frequency_penalty":-2.1)", "frequency_penalty", "-2 to 2"},
      {R"("max_tokens":0)", "max_tokens", "from 1 to 2147483647"},
      {R"("max_tokens":1e18)", "max_tokens", "from 1 to 2147483647"},
      {R"("max_tokens":2147483648)", "max_tokens", "from 1 to 2147483647"},
      {R"("max_completion_tokens":-1)", "max_completion_tokens", "from 1"},
      {R"("max_tokens":1,"max_completion_tokens":2)", "max_tokens", "contradicts"},
      {R"("n":0)", "n", "from 1 to 8"},
      {R"("n":9)", "n", "from 1 to 8"},
      {R"("seed":1.5)", "seed", "64 bits"},
      {R"("seed":1e30)", "seed", "64 bits"},
      {R"("seed":"1")", "seed", "64 bits"},
      {R"("logprobs":1)", "logprobs", "true or false"},
      {R"("top_logprobs":1)", "top_logprobs", "needs logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs", "from 0 to 20"},
      {R"("logit_bias":[])", "logit_bias", "object is required"},
      {R"("logit_bias":{"1000":1})", "logit_bias.1000", "0 to 999"},
      {R"("logit_bias":{"-1":1})", "logit_bias.-1", "not a token"},
      {R"("logit_bias":{"1x":1})", "logit_bias.1x", "not a token"},
      {R"("logit_bias":{"1":101})", "logit_bias.1", "-100 to 100"},
      {R"("stop":"")", "stop", "must not be empty"},
      {R"("stop":["a",""])", "stop[1]", "must not be empty"},
      {R"("stop":["a",1])", "stop[1]", "string is required"},
      {R"("stop":5)", "stop", "array of strings"},
      {R"("stream":1)", "stream", "true or false"},
      {R"("stream_options":{"include_usage":"yes"})", "stream_options.include_usage",
       "true or false"},
      {R"("session_id":1)", "session_id", "string"},
      {R"("cache":"k")", "cache", "object is required"},
      {R"("cache":{"key":""})", "cache.key", "must not be empty"},
      {R"("cache":{"key":7})", "cache.key", "string is required"},
      {R"("cache":{"persist":1})", "cache.persist", "true or false"},
      {R"("cache":{"pin":"yes"})", "cache.pin", "true or false"},
      {R"("cache":{"pin":true})", "cache.key", "required with pin"},
      {R"("cache":{"border":0})", "cache.border", "border: 1 is required"},
      {R"("cache":{"border":2})", "cache.border", "border: 1 is required"},
      {R"("functions":[])", "functions", "use tools"},
      {R"("function_call":"auto")", "function_call", "use tool_choice"},
      {R"("audio":{})", "audio", "not supported"},
      {R"("modalities":["text","audio"])", "modalities", "only text"},
      {R"("web_search_options":{})", "web_search_options", "not supported"},
      {R"("parallel_tool_calls":"no")", "parallel_tool_calls", "true or false"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_with(c.text));
  const std::string too_many = R"("stop":[)" + [] {
    std::string list = R"("a")";
    for (int i = 0; i < 16; ++i) list += R"(,"a")";
    return list;
  }() + "]";
  expect_refused({too_many.c_str(), "stop", "at most 16"}, parse_with(too_many));
  const std::string long_stop = R"("stop":[")" + std::string(257, 'x') + R"("])";
  expect_refused({long_stop.c_str(), "stop[0]", "at most 256 bytes"}, parse_with(long_stop));
  const std::string long_key = R"("cache":{"key":")" + std::string(129, 'k') + R"("})";
  expect_refused({long_key.c_str(), "cache.key", "at most 128 bytes"}, parse_with(long_key));
}

TEST(ChatRequest, ReadsWhatToKeepInTheCache) {
  const auto got = parse(
      R"({"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"}],
          "cache":{"key":"k","persist":true,"pin":true,"border":2}})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const chat::Cache& cache = got.value().request.cache;
  EXPECT_EQ(cache.key, "k");
  EXPECT_TRUE(cache.persist && cache.pin);
  EXPECT_EQ(cache.border_messages, 2u);
}

TEST(ChatRequest, ReadsAConversation) {
  const auto got = parse_messages_text(
      R"([{"role":"developer","content":"be kind"},
          {"role":"user","name":"ann","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
          {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
            {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
          {"role":"tool","tool_call_id":"call_1","content":"42"},
          {"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}])");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const auto& messages = conversation(got).messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0].role, chat::Role::System);
  EXPECT_EQ(messages[1].content, "a\nb");
  EXPECT_EQ(messages[1].name, "ann");
  EXPECT_EQ(messages[2].content, "");
  EXPECT_EQ(messages[2].reasoning, "hm");
  ASSERT_EQ(messages[2].tool_calls.size(), 1u);
  EXPECT_EQ(messages[2].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(messages[3].tool_call_id, "call_1");
  EXPECT_EQ(messages[4].content, "no");
}

TEST(ChatRequest, RefusesBrokenMessages) {
  const Refused kCases[] = {
      {"[]", "messages", "at least one"},
      {"null", "messages", "is required"},
      {R"("hi")", "messages", "array is required"},
      {"[1]", "messages[0]", "object is required"},
      {R"([{"content":"a"}])", "messages[0].role", "string is required"},
      {R"([{"role":"owner","content":"a"}])", "messages[0].role", "must be system"},
      {R"([{"role":"function","content":"a"}])", "messages[0].role", "use 'tool'"},
      {R"([{"role":"user"}])", "messages[0].content", "is required"},
      {R"([{"role":"user","content":5}])", "messages[0].content", "string or an array"},
      {R"([{"role":"user","content":[]}])", "messages[0].content", "empty array"},
      {R"([{"role":"user","content":["a"]}])", "messages[0].content[0]", "object is required"},
      {R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}])",
       "messages[0].content[1].image_url", "is required"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])",
       "messages[0].content[0].image_url.url", "http"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,x"}}]}])",
       "messages[0].content[0].image_url.url", "base64"},
      {R"([{"role":"system","content":[{"type":"image_url","image_url":{"url":"http://a/b"}}]}])",
       "messages[0].content[0].type", "only text is"},
      {R"([{"role":"user","content":[{"type":"refusal","refusal":"a"}]}])",
       "messages[0].content[0].type", "not supported"},
      {R"([{"role":"assistant"}])", "messages[0].content", "unless tool_calls"},
      {R"([{"role":"assistant","content":null,"tool_calls":[]}])", "messages[0].content",
       "unless tool_calls"},
      {R"([{"role":"assistant","content":"a","function_call":{}}])", "messages[0].function_call",
       "use tool_calls"},
      {R"([{"role":"user","content":"a","tool_calls":[]}])", "messages[0].tool_calls",
       "only with role assistant"},
      {R"([{"role":"tool","content":"a"}])", "messages[0].tool_call_id", "string is required"},
      {R"([{"role":"tool","content":"a","tool_call_id":"x"}])", "messages[0].tool_call_id",
       "no earlier message"},
      {R"([{"role":"assistant","tool_calls":[{"id":"","function":{"name":"f","arguments":""}}]}])",
       "messages[0].tool_calls[0].id", "1 to 256 bytes"},
      {R"([{"role":"assistant","tool_calls":[{"id":"a","type":"code","function":{}}]}])",
       "messages[0].tool_calls[0].type", "must be function"},
      {R"([{"role":"assistant","tool_calls":[{"id":"a"}]}])", "messages[0].tool_calls[0].function",
       "is required"},
      {R"([{"role":"assistant",
            "tool_calls":[{"id":"a","function":{"name":"f g","arguments":""}}]}])",
       "messages[0].tool_calls[0].function.name", "1 to 64"},
      {R"([{"role":"assistant",
            "tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}])",
       "messages[0].tool_calls[0].function.arguments", "string is required"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_messages_text(c.text));
}

TEST(ChatRequest, BoundsTheNumberOfMessages) {
  json body = {{"messages", json::array()}};
  for (std::size_t i = 0; i < chat::kMessagesMax; ++i)
    body["messages"].push_back({{"role", "user"}, {"content", "a"}});
  EXPECT_TRUE(parse_chat_request(body, 0).ok());
  body["messages"].push_back({{"role", "user"}, {"content", "a"}});
  const auto got = parse_chat_request(body, 0);
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message, HasSubstr("has 2049 items, at most 2048"));
}

TEST(ChatRequest, ReadsTools) {
  const auto got = parse_with(
      R"("tools":[{"type":"function","function":{"name":"f","description":"does","strict":true,
           "parameters":{"type":"object","properties":{}}}},
          {"type":"function","function":{"name":"g"}}],
         "tool_choice":{"type":"function","function":{"name":"g"}},"parallel_tool_calls":false)");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const auto& talk = conversation(got);
  ASSERT_EQ(talk.tools.size(), 2u);
  EXPECT_EQ(talk.tools[0].description, "does");
  EXPECT_EQ(json::parse(talk.tools[0].parameters)["type"], "object");
  EXPECT_EQ(talk.tools[1].parameters, "{}");
  EXPECT_EQ(talk.tool_choice.mode, chat::ToolChoice::Mode::Named);
  EXPECT_EQ(talk.tool_choice.name, "g");
  EXPECT_FALSE(talk.parallel_tool_calls);
}

TEST(ChatRequest, RefusesBrokenTools) {
  const Refused kCases[] = {
      {R"("tools":{})", "tools", "array is required"},
      {R"("tools":[{"type":"custom"}])", "tools[0].type", "must be function"},
      {R"("tools":[{"function":{"name":"f"}}])", "tools[0].type", "string is required"},
      {R"("tools":[{"type":"function"}])", "tools[0].function", "is required"},
      {R"("tools":[{"type":"function","function":{"name":""}}])", "tools[0].function.name",
       "1 to 64"},
      {R"("tools":[{"type":"function","function":{"name":"f","parameters":[]}}])",
       "tools[0].function.parameters", "object is required"},
      {R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"array"}}}])",
       "tools[0].function.parameters.type", "must be object"},
      {R"("tools":[{"type":"function","function":{"name":"f","strict":1}}])",
       "tools[0].function.strict", "true or false"},
      {R"("tools":[{"type":"function","function":{"name":"f"}},
           {"type":"function","function":{"name":"f"}}])",
       "tools[1].function.name", "already taken"},
      {R"("tool_choice":"required")", "tool_choice", "at least one tool"},
      {R"("tool_choice":"any")", "tool_choice", "must be none, auto, required"},
      {R"("tool_choice":3)", "tool_choice", "must be none, auto, required"},
      {R"("tool_choice":{"type":"function","function":{"name":"f"}})", "tool_choice.function.name",
       "no function 'f'"},
      {R"("tool_choice":{"type":"allowed_tools"})", "tool_choice.type", "must be function"},
      {R"("grammar":"root ::= \"a\"","tools":[{"type":"function","function":{"name":"f"}}])",
       "grammar", "combined with tools"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_with(c.text));
}

TEST(ChatRequest, ReadsFormats) {
  using Kind = chat::OutputFormat::Kind;
  struct Case {
    const char* fields;
    Kind kind;
    const char* source;
  };
  const Case kCases[] = {
      {R"("response_format":{"type":"json_object"})", Kind::JsonObject, ""},
      {R"("response_format":{"type":"json_object","schema":{"a":1}})", Kind::JsonSchema,
       R"({"a":1})"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"b":1}}})",
       Kind::JsonSchema, R"({"b":1})"},
      {R"("json_schema":{"c":1})", Kind::JsonSchema, R"({"c":1})"},
      {R"("grammar":"root ::= \"a\"")", Kind::Grammar, R"(root ::= "a")"},
  };
  for (const Case& c : kCases) {
    const auto got = parse_with(c.fields);
    ASSERT_TRUE(got.ok()) << c.fields << got.error().message;
    EXPECT_EQ(got.value().request.format.kind, c.kind) << c.fields;
    EXPECT_EQ(got.value().request.format.source, c.source);
  }
}

TEST(ChatRequest, RefusesBrokenFormats) {
  const Refused kCases[] = {
      {R"("response_format":"json")", "response_format", "object is required"},
      {R"("response_format":{})", "response_format.type", "string is required"},
      {R"("response_format":{"type":"xml"})", "response_format.type", "must be text"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema", "is required"},
      {R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})",
       "response_format.json_schema.name", "string is required"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n"}})",
       "response_format.json_schema.schema", "is required"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":[]}})",
       "response_format.json_schema.schema", "JSON Schema"},
      {R"("json_schema":true)", "json_schema", "JSON Schema"},
      {R"("grammar":{})", "grammar", "string is required"},
      {R"("grammar":"x","response_format":{"type":"json_object"})", "grammar", "combined"},
      {R"("json_schema":{},"response_format":{"type":"json_object"})", "json_schema", "combined"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_with(c.text));
  const std::string big = R"("grammar":")" + std::string(chat::kGrammarBytesMax + 1, 'x') + '"';
  expect_refused({"a grammar over the limit", "grammar", "at most 65536 bytes"}, parse_with(big));
}

TEST(SeedOf, KeepsSmallSeedsAndSpreadsOthers) {
  EXPECT_EQ(seed_of(0, 0), 0u);
  EXPECT_EQ(seed_of(42, 0), 42u);
  EXPECT_EQ(seed_of(42, 3), 45u);
  EXPECT_EQ(seed_of(0xfffffffe, 0), 0xfffffffeu);
  const std::uint64_t minus_two = static_cast<std::uint64_t>(-2);
  EXPECT_EQ(seed_of(minus_two, 0), seed_of(minus_two, 0));
  EXPECT_NE(seed_of(minus_two, 0), seed_of(minus_two - 1, 0));
  EXPECT_NE(seed_of(0xffffffff, 0), 0xffffffffu) << "llama.cpp takes it for 'random'";
}

}  // namespace
}  // namespace hearth::api
