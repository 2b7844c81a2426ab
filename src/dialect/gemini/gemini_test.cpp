#include "dialect/gemini.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dialect/random_talk.h"

namespace hearth::dialect::gemini {
namespace {

using chat::FinishReason;
using chat::Role;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::read_stream;
using ::testing::StartsWith;

Ask asked(std::vector<chat::Message> messages) {
  Ask ask{.model = "gemini"};
  ask.request.prompt = chat::Conversation{.messages = std::move(messages)};
  return ask;
}

TEST(GeminiWriteRequest, IsWhatTheApiTakes) {
  Ask ask =
      asked({{.role = Role::System, .content = "be brief"},
             {.role = Role::User,
              .content = "look",
              .images = {{.media_type = "image/png", .data = "AAAA", .at = 0}}},
             {.role = Role::Assistant,
              .content = "so",
              .tool_calls = {{"x_0", "weather", R"({"city":"Bern"})"}, {"x_1", "now", "{}"}}},
             {.role = Role::Tool, .content = "no clock", .tool_call_id = "x_1", .is_error = true},
             {.role = Role::Tool, .content = "rain", .tool_call_id = "x_0"},
             {.role = Role::User, .content = "and?"}});
  auto& talk = std::get<chat::Conversation>(ask.request.prompt);
  talk.tools = {
      {"weather", "of a city",
       R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})"},
      {"now", "time", "{}"}};
  talk.tool_choice = {chat::ToolChoice::Mode::Named, "now"};
  talk.tail = "It is noon.";
  ask.request.tokens_max = 100;
  ask.request.stop = {"END"};
  ask.request.sampling.temperature = 0.7f;
  ask.request.sampling.top_k = 5;
  ask.request.sampling.seed = 7;
  ask.stream = true;
  const auto got = write_request(ask);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().what, Json::parse(R"({
    "systemInstruction":{"parts":[{"text":"be brief"}]},
    "contents":[
      {"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}},
        {"text":"look"}]},
      {"role":"model","parts":[{"text":"so"},
        {"functionCall":{"name":"weather","args":{"city":"Bern"}},
         "thoughtSignature":"skip_thought_signature_validator"},
        {"functionCall":{"name":"now","args":{}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"name":"weather","response":{"output":"rain"}}},
        {"functionResponse":{"name":"now","response":{"error":"no clock"}}},
        {"text":"and?"},{"text":"It is noon."}]}],
    "tools":[{"functionDeclarations":[
      {"name":"weather","description":"of a city","parameters":{"type":"object",
        "properties":{"city":{"type":"string"}},"required":["city"]}},
      {"name":"now","description":"time"}]}],
    "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["now"]}},
    "generationConfig":{"temperature":0.7,"topK":5,"seed":7,"maxOutputTokens":100,
      "stopSequences":["END"]}})"));
  EXPECT_THAT(got.value().lost.lines(), IsEmpty());
}

TEST(GeminiWriteRequest, NamesWhatItCannotCarry) {
  using Kind = chat::OutputFormat::Kind;
  struct Case {
    const char* line;
    std::function<void(Ask&, chat::Conversation&)> change;
  };
  const Case kCases[] = {
      {"messages[1].role: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::System, "later"});
       }},
      {"messages[0].name: ", [](Ask&, auto& t) { t.messages[0].name = "ann"; }},
      {"messages[0].images: ",
       [](Ask&, auto& t) { t.messages[0].images = {{.url = "https://example.org/a"}}; }},
      {"messages[1].content: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::User, ""});
       }},
      {"messages[1].reasoning: ",
       [](Ask&, auto& t) {
         t.messages.push_back({Role::Assistant, "x", "hm"});
       }},
      {"messages[2].images[0]: ",
       [](Ask&, auto& t) {
         t.messages.push_back(
             {.role = Role::Assistant, .content = "", .tool_calls = {{"1", "f", "{}"}}});
         t.messages.push_back({.role = Role::Tool,
                               .content = "x",
                               .tool_call_id = "1",
                               .images = {{.media_type = "image/png", .data = "AAAA"}}});
       }},
      {"parallel_tool_calls: ",
       [](Ask&, auto& t) {
         t.tools = {{"f", "", "{}"}};
         t.parallel_tool_calls = false;
       }},
      {"tools[0].parameters.properties.a.multipleOf: ",
       [](Ask&, auto& t) {
         t.tools = {{"f", "", R"({"properties":{"a":{"type":"integer","multipleOf":2}}})"}};
       }},
      {"format: cannot",
       [](Ask& a, auto& t) {
         t.tools = {{"f", "", "{}"}};
         a.request.format.kind = Kind::JsonObject;
       }},
      {"format: this",
       [](Ask& a, auto&) {
         a.request.format = {Kind::Grammar, "root ::= \"a\""};
       }},
      {"format.additionalProperties: ",
       [](Ask& a, auto&) {
         a.request.format = {Kind::JsonSchema, R"({"type":"object","additionalProperties":false})"};
       }},
      {"stop[5]: ", [](Ask& a, auto&) { a.request.stop = {"1", "2", "3", "4", "5", "6"}; }},
      {"min_p: ", [](Ask& a, auto&) { a.request.sampling.min_p = 0.1f; }},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.line);
    Ask ask = asked({{Role::User, "a"}});
    c.change(ask, std::get<chat::Conversation>(ask.request.prompt));
    const auto got = write_request(ask);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_THAT(got.value().lost.lines(), Contains(StartsWith(c.line)));
  }
  EXPECT_EQ(write_request(asked({})).error().field, "messages");
  EXPECT_EQ(write_request(asked({{Role::System, "alone"}})).error().field, "messages");
}

/// What a server would make of a request: the reverse of write_request, as far as it goes.
std::vector<chat::Message> read_contents(const Json& body) {
  std::vector<chat::Message> out;
  if (body.contains("systemInstruction"))
    out.push_back({Role::System, body["systemInstruction"]["parts"][0]["text"]});
  std::vector<chat::ToolCall> open;
  std::size_t calls = 0;
  for (const Json& content : body["contents"]) {
    const Role role = content["role"] == "user" ? Role::User : Role::Assistant;
    chat::Message said{.role = role, .content = {}};
    bool has_said = false;
    for (const Json& part : content["parts"]) {
      if (part.contains("functionResponse")) {
        const Json& response = part["functionResponse"];
        EXPECT_EQ(response["name"], open.at(0).name);
        const bool is_error = response["response"].contains("error");
        out.push_back({.role = Role::Tool,
                       .content = response["response"][is_error ? "error" : "output"],
                       .tool_call_id = open.at(0).id,
                       .name = open.at(0).name,
                       .is_error = is_error});
        open.erase(open.begin());
        continue;
      }
      has_said = true;
      if (part.contains("text")) said.content += part["text"].get<std::string>();
      if (part.contains("inlineData"))
        said.images.push_back({.media_type = part["inlineData"]["mimeType"],
                               .data = part["inlineData"]["data"],
                               .at = static_cast<std::uint32_t>(said.content.size())});
      if (part.contains("functionCall"))
        said.tool_calls.push_back({"call_" + std::to_string(++calls), part["functionCall"]["name"],
                                   part["functionCall"]["args"].dump()});
    }
    if (!said.tool_calls.empty()) open = said.tool_calls;
    if (has_said) out.push_back(std::move(said));
  }
  return out;
}

TEST(GeminiRequest, KeepsConversations) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Ask ask = testing::RandomTalk(seed, {}).ask();
    const auto wrote = write_request(ask);
    ASSERT_TRUE(wrote.ok());
    auto& talk = std::get<chat::Conversation>(ask.request.prompt);
    bool lost_images = false;
    for (chat::Message& message : talk.messages)
      lost_images =
          std::erase_if(message.images, [](const auto& i) { return !i.url.empty(); }) > 0 ||
          lost_images;
    const bool lost_choice = !talk.tools.empty() && !talk.parallel_tool_calls;
    EXPECT_EQ(wrote.value().lost.empty(), !lost_images && !lost_choice);
    const auto back = read_contents(wrote.value().what);
    ASSERT_EQ(back.size(), talk.messages.size());
    for (std::size_t i = 0; i < back.size(); ++i)
      EXPECT_EQ(chat::message_text(back[i]), chat::message_text(talk.messages[i]));
  }
}

TEST(GeminiSchema, Table) {
  struct Case {
    const char* schema;
    const char* written;
    std::vector<std::string> lost;  // beginnings
  };
  const Case kCases[] = {
      {R"({"type":"string","description":"d","minLength":1})",
       R"({"type":"string","description":"d","minLength":1})",
       {}},
      {R"({"$schema":"x","type":"object","additionalProperties":false,"properties":{"a":{}}})",
       R"({"type":"object","properties":{"a":{}}})",
       {"s.additionalProperties: "}},
      {R"({"type":["string","null"]})", R"({"nullable":true,"type":"string"})", {}},
      {R"({"type":["string","integer"]})",
       R"({"anyOf":[{"type":"string"},{"type":"integer"}]})",
       {}},
      {R"({"type":["null"]})", R"({"nullable":true})", {"s.type: "}},
      {R"({"const":"a"})", R"({"type":"string","enum":["a"]})", {}},
      {R"({"type":"integer","enum":[1,2]})", R"({"type":"integer"})", {"s.enum: "}},
      {R"({"const":1})", "{}", {"s.const: "}},
      {R"({"type":"string","format":"date-time"})",
       R"({"type":"string","format":"date-time"})",
       {}},
      {R"({"type":"string","format":"uri"})", R"({"type":"string"})", {"s.format: "}},
      {R"({"type":"array"})", R"({"type":"array","items":{}})", {}},
      {R"({"type":"array","items":[{},{}]})", R"({"type":"array"})", {"s.items: "}},
      {R"({"type":"object","properties":{"a":{"not":{}}},"required":["a","b"]})",
       R"({"type":"object","properties":{"a":{}},"required":["a"]})",
       {"s.properties.a.not: ", "s.required: "}},
      {R"({"anyOf":[{"type":"string"},{"type":"null"}]})",
       R"({"anyOf":[{"type":"string"}],"nullable":true})",
       {}},
      {R"({"oneOf":[{"type":"string"},{"x":1}]})",
       R"({"anyOf":[{"type":"string"},{}]})",
       {"s.oneOf[1].x: ", "s.oneOf: "}},
      {R"({"$ref":"#/$defs/a","description":"d","$defs":{"a":{"type":"string"}}})",
       R"({"type":"string","description":"d"})",
       {}},
      {R"({"$ref":"#/$defs/none"})", "{}", {"s.$ref: "}},
      {R"({"$ref":"http://example.org"})", "{}", {"s.$ref: "}},
      {R"({"properties":{"a":true,"b":false}})",
       R"({"properties":{"a":{},"b":{}}})",
       {"s.properties.b: "}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.schema);
    Lost lost;
    EXPECT_EQ(schema_subset(Json::parse(c.schema), "s", lost), Json::parse(c.written));
    ASSERT_EQ(lost.lines().size(), c.lost.size());
    for (std::size_t i = 0; i < c.lost.size(); ++i)
      EXPECT_THAT(lost.lines()[i], StartsWith(c.lost[i]));
  }
}

TEST(GeminiSchema, EndsWhereItRefersToItself) {
  Lost lost;
  const auto text = [&](const char* schema) {
    return schema_subset(Json::parse(schema), "s", lost).dump().size();
  };
  EXPECT_LT(text(R"({"properties":{"a":{"$ref":"#"}}})"), 1'000u);
  EXPECT_LT(text(R"({"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"},
    "d":{"$ref":"#"},"e":{"$ref":"#"},"f":{"$ref":"#"},"g":{"$ref":"#"},"h":{"$ref":"#"}}})"),
            1'000'000u);
  EXPECT_EQ(lost.lines().size(), kLostMax);
}

TEST(GeminiReadAnswer, ReadsARealOne) {
  const auto got = read_answer(Json::parse(R"({
    "candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Both."},
        {"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"CiQ"},
        {"functionCall":{"name":"f","args":{}}}],"role":"model"},
      "finishReason":"STOP","index":0,"safetyRatings":[]}],
    "usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":20,"totalTokenCount":150,
      "cachedContentTokenCount":64,"thoughtsTokenCount":30},
    "modelVersion":"gemini-2.5-flash","responseId":"r1"})"),
                               "gemini_x");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Answer& answer = got.value().what;
  EXPECT_EQ(answer.id, "r1");
  EXPECT_EQ(answer.model, "gemini-2.5-flash");
  EXPECT_EQ(answer.message.content, "Both.");
  EXPECT_EQ(answer.message.reasoning, "hm");
  ASSERT_EQ(answer.message.tool_calls.size(), 2u);
  EXPECT_EQ(answer.message.tool_calls[0].id, "gemini_x_0");
  EXPECT_EQ(answer.message.tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(answer.message.tool_calls[1].id, "gemini_x_1");
  EXPECT_EQ(answer.finished.reason, FinishReason::ToolCalls);
  EXPECT_EQ(answer.finished.usage.prompt_tokens, 100u);
  EXPECT_EQ(answer.finished.usage.cached_tokens, 64u);
  EXPECT_EQ(answer.finished.usage.completion_tokens, 50u);
  EXPECT_THAT(got.value().lost.lines(), ElementsAre(StartsWith("thoughtSignature: ")));
}

TEST(GeminiReadAnswer, FinishReasons) {
  struct Case {
    const char* reason;
    FinishReason finish;
    bool declined, failed, lost;
  };
  const Case kCases[] = {
      {"STOP", FinishReason::Stop, false, false, false},
      {"MAX_TOKENS", FinishReason::Length, false, false, false},
      {"SAFETY", FinishReason::Stop, true, false, false},
      {"RECITATION", FinishReason::Stop, true, false, false},
      {"PROHIBITED_CONTENT", FinishReason::Stop, true, false, false},
      {"OTHER", FinishReason::Stop, false, false, true},
      {"MALFORMED_FUNCTION_CALL", FinishReason::Stop, false, true, false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.reason);
    const auto got =
        read_answer({{"candidates", Json::array({Json{{"finishReason", c.reason}}})}}, "x");
    ASSERT_EQ(got.ok(), !c.failed);
    if (!got.ok()) continue;
    EXPECT_EQ(got.value().what.finished.reason, c.finish);
    EXPECT_EQ(is_declined(got.value().what.finished), c.declined);
    EXPECT_EQ(got.value().lost.empty(), !c.lost);
  }
  const auto blocked = read_answer({{"promptFeedback", {{"blockReason", "OTHER"}}}}, "x");
  ASSERT_TRUE(blocked.ok());
  EXPECT_TRUE(is_declined(blocked.value().what.finished));
  for (const char* none : {"{}", "[]", "null", R"({"candidates":[{}]})"})
    EXPECT_EQ(read_answer(Json::parse(none), "x").error().code, Code::Unavailable);
}

std::string part(const std::string& parts, const std::string& more = "") {
  return R"({"candidates":[{"content":{"parts":)" + parts + R"(,"role":"model"})" + more +
         R"(}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3}})";
}

TEST(GeminiStream, ReadsRecordedOnes) {
  const auto reader = make_stream_reader("x");
  const auto told = read_stream(*reader, {part(R"([{"text":"Hel"}])"), part(R"([{"text":"lo"}])"),
                                          part(R"([{"functionCall":{"name":"f","args":{"a":1}}},
                         {"functionCall":{"name":"g"}}])"),
                                          part(R"([{"text":""}])", R"(,"finishReason":"STOP")")});
  ASSERT_FALSE(told.failed) << told.failed->message;
  EXPECT_EQ(told.last_events, 1u);
  EXPECT_EQ(told.answer.message.content, "Hello");
  EXPECT_EQ(told.answer.message.tool_calls.at(1).arguments, "{}");
  EXPECT_EQ(told.answer.finished.reason, FinishReason::ToolCalls);
  EXPECT_EQ(told.answer.finished.usage.completion_tokens, 3u);
}

TEST(GeminiStream, Failures) {
  struct Case {
    std::vector<std::string> datas;
    Code code;
  };
  const std::string text = part(R"([{"text":"x"}])");
  const Case kCases[] = {
      {{text}, Code::Unavailable},
      {{text, R"({"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}})"},
       Code::Busy},
      {{text, R"([{"error":{"code":503,"message":"overloaded"}}])"}, Code::Unavailable},
      {{text, "{"}, Code::Unavailable},
      {{text, part("[]", R"(,"finishReason":"MALFORMED_FUNCTION_CALL")")}, Code::Unavailable},
  };
  for (const Case& c : kCases) {
    const auto told = read_stream(*make_stream_reader("x"), c.datas);
    ASSERT_TRUE(told.failed);
    EXPECT_EQ(told.failed->code, c.code);
    EXPECT_EQ(told.last_events, 1u);
  }
}

TEST(GeminiReadError, Table) {
  struct Case {
    int status;
    const char* body;
    Code code;
    const char* said;
  };
  const Case kCases[] = {
      {400, R"({"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}})",
       Code::InvalidInput, "bad"},
      {400, R"({"error":{"code":400,"message":"API key not valid: AIza","details":[
          {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})",
       Code::Denied, "did not accept the key"},
      {400,
       R"({"error":{"message":"The input token count (9) exceeds the maximum number of tokens"}})",
       Code::TooLarge, "exceeds"},
      {403, R"({"error":{"message":"no"}})", Code::Denied, "no"},
      {404, R"({"error":{"message":"no model"}})", Code::NotFound, "no model"},
      {429, R"([{"error":{"message":"quota"}}])", Code::Busy, "quota"},
      {503, "<html>", Code::Unavailable, "(HTTP 503)"},
      {504, R"({"error":{"message":"late","status":"DEADLINE_EXCEEDED"}})", Code::Timeout, "late"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.body);
    const Error error = read_error(c.status, c.body);
    EXPECT_EQ(error.code, c.code);
    EXPECT_THAT(error.message, HasSubstr(c.said));
    EXPECT_EQ(error.message.find("AIza"), std::string::npos);
  }
}

}  // namespace
}  // namespace hearth::dialect::gemini
