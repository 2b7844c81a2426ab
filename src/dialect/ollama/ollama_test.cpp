#include "dialect/ollama.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/random_talk.h"

namespace hearth::dialect::ollama {
namespace {

using chat::FinishReason;
using chat::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Carried<Request>> read(const std::string& text, Endpoint endpoint = Endpoint::Chat) {
  return read_request(Json::parse(text), endpoint);
}
Result<Carried<Request>> read_with(const std::string& fields) {
  return read(R"({"model":"m","messages":[{"role":"user","content":"x"}],)" + fields + "}");
}
Result<Carried<Request>> generate(const std::string& fields) {
  return read(R"({"model":"m",)" + fields + "}", Endpoint::Generate);
}
const chat::Conversation& talk_of(const Result<Carried<Request>>& got) {
  return std::get<chat::Conversation>(got.value().what.ask.request.prompt);
}

TEST(OllamaReadRequest, ReadsWhatClientsSend) {
  const auto got = read(R"({
    "model":"llama3.2","format":{"type":"object"},"keep_alive":"5m","think":true,
    "options":{"num_predict":50,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"seed":7,
               "stop":["a"],"num_ctx":4096,"repeat_penalty":1.1},
    "tools":[{"type":"function","function":{"name":"f","description":"d",
              "parameters":{"type":"object"}}}],
    "messages":[
      {"role":"system","content":"s"},
      {"role":"user","content":"see","images":["iVBORw0KGgoA"]},
      {"role":"assistant","content":"","thinking":"hm","tool_calls":[
        {"function":{"name":"f","arguments":{"a":1}}},
        {"function":{"name":"g","arguments":{}}},{"function":{"name":"f"}}]},
      {"role":"tool","content":"of g","tool_name":"g"},
      {"role":"tool","content":"of f"},
      {"role":"tool","content":"of the other f","tool_name":"f"}]})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Request& request = got.value().what;
  EXPECT_TRUE(request.ask.stream);
  EXPECT_FALSE(request.is_load);
  EXPECT_EQ(request.keep_alive_s, 300);
  EXPECT_EQ(request.ask.request.tokens_max, 50u);
  EXPECT_EQ(request.ask.request.sampling.seed, 7u);
  EXPECT_EQ(request.ask.request.sampling.top_k, 40);
  EXPECT_FLOAT_EQ(request.ask.request.sampling.min_p, 0.1f);
  EXPECT_FLOAT_EQ(request.ask.request.sampling.repeat_penalty, 1.1f);
  EXPECT_THAT(request.ask.request.stop, ElementsAre("a"));
  EXPECT_EQ(request.ask.request.format.source, R"({"type":"object"})");
  const auto& messages = talk_of(got).messages;
  ASSERT_EQ(messages.size(), 6u);
  EXPECT_THAT(messages[1].images,
              ElementsAre(chat::Image{.media_type = "image/png", .data = "iVBORw0KGgoA"}));
  EXPECT_EQ(messages[2].reasoning, "hm");
  EXPECT_EQ(messages[2].tool_calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(messages[3].tool_call_id, "call_1");
  EXPECT_EQ(messages[4].tool_call_id, "call_0");
  EXPECT_EQ(messages[5].tool_call_id, "call_2");
  EXPECT_EQ(messages[5].name, "f");
  EXPECT_THAT(got.value().lost.lines(),
              ElementsAre("options.num_ctx: is not used", "think: is not used"));
}

TEST(OllamaReadRequest, GenerateIsATalkOrPlainText) {
  auto got = generate(R"("prompt":"p","system":"s","stream":false,"format":"json",
                         "images":["/9j/AAAA"],"context":[1,2])");
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_FALSE(got.value().what.ask.stream);
  EXPECT_EQ(got.value().what.ask.request.format.kind, chat::OutputFormat::Kind::JsonObject);
  ASSERT_EQ(talk_of(got).messages.size(), 2u);
  EXPECT_EQ(talk_of(got).messages[1].images[0].media_type, "image/jpeg");
  EXPECT_THAT(got.value().lost.lines(), ElementsAre("context: is not used"));
  got = generate(R"("prompt":"p","raw":true,"system":"s")");
  EXPECT_EQ(std::get<chat::PlainText>(got.value().what.ask.request.prompt).text, "p");
  EXPECT_THAT(got.value().lost.lines(), ElementsAre("system: is not used with raw"));
}

TEST(OllamaReadRequest, LoadsWithoutAQuestion) {
  EXPECT_TRUE(read(R"({"model":"m"})").value().what.is_load);
  EXPECT_TRUE(read(R"({"model":"m","messages":[]})").value().what.is_load);
  EXPECT_TRUE(generate(R"("keep_alive":0)").value().what.is_load);
  EXPECT_EQ(generate(R"("keep_alive":0)").value().what.keep_alive_s, 0);
}

TEST(OllamaReadRequest, KeepAlive) {
  struct Case {
    const char* text;
    std::optional<std::int64_t> seconds;  // none: refused
  };
  const Case kCases[] = {
      {"0", 0},
      {"300", 300},
      {"1.5", 1},
      {"-1", -1},
      {R"("5m")", 300},
      {R"("1h30m")", 5'400},
      {R"("90s")", 90},
      {R"("1500ms")", 1},
      {R"("-1")", -1},
      {R"("-1m")", -1},
      {R"("24h")", 86'400},
      {R"("10")", 10},
      {"315360000", 315'360'000},
      {"315360001", std::nullopt},
      {R"("")", std::nullopt},
      {R"("m")", std::nullopt},
      {R"("5 m")", std::nullopt},
      {R"("5x")", std::nullopt},
      {R"("--5m")", std::nullopt},
      {"true", std::nullopt},
      {R"("nan")", std::nullopt},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = read_with(R"("keep_alive":)" + std::string(c.text));
    ASSERT_EQ(got.ok(), c.seconds.has_value());
    if (got.ok()) {
      EXPECT_EQ(got.value().what.keep_alive_s, c.seconds);
    } else {
      EXPECT_EQ(got.error().field, "keep_alive");
    }
  }
}

TEST(OllamaReadRequest, RefusesWithTheField) {
  struct Case {
    Result<Carried<Request>> got;
    const char* field;
    const char* problem;
  };
  const auto with_message = [](const std::string& message) {
    return read(R"({"model":"m","messages":[)" + message + "]}");
  };
  const Case kCases[] = {
      {read("[]"), "", "object"},
      {read(R"({"messages":[]})"), "model", "string"},
      {read(R"({"model":"m","messages":{}})"), "messages", "an array"},
      {with_message(R"({"role":"bot","content":"x"})"), "messages[0].role", "must be"},
      {with_message(R"({"role":"user","content":[]})"), "messages[0].content", "a string"},
      {with_message(R"({"role":"user","images":["AAAA"]})"), "messages[0].images[0]", "PNG"},
      {with_message(R"({"role":"user","images":["/9j/A"]})"), "messages[0].images[0]", "padding"},
      {with_message(R"({"role":"assistant","images":["/9j/"]})"), "messages[0].images",
       "only with"},
      {with_message(R"({"role":"assistant","tool_calls":[{}]})"),
       "messages[0].tool_calls[0].function", "is required"},
      {with_message(
           R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]})"),
       "messages[0].tool_calls[0].function.arguments", "an object"},
      {with_message(R"({"role":"tool","content":"x","tool_name":"f"})"), "messages[0].tool_name",
       "no earlier message"},
      {read_with(R"("stream":"no")"), "stream", "true or false"},
      {read_with(R"("format":"xml")"), "format", "must be json"},
      {read_with(R"("options":[])"), "options", "object"},
      {read_with(R"("options":{"temperature":3})"), "options.temperature", "from 0 to 2"},
      {read_with(R"("options":{"num_predict":-3})"), "options.num_predict", "from -2"},
      {read_with(R"("options":{"seed":4294967295})"), "options.seed", "4294967294"},
      {read_with(R"("options":{"stop":[1]})"), "options.stop[0]", "a string"},
      {read_with(R"("tools":[{}])"), "tools[0].function", "is required"},
      {generate(R"("prompt":"p","suffix":"s")"), "suffix", "not supported"},
      {generate(R"("prompt":"p","raw":true,"images":["/9j/"])"), "images", "not supported"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.field) + c.problem);
    ASSERT_FALSE(c.got.ok());
    EXPECT_EQ(c.got.error().code, Code::InvalidInput);
    EXPECT_EQ(c.got.error().field, c.field);
    EXPECT_THAT(c.got.error().message, HasSubstr(c.problem));
  }
}

/// What a client would send for a conversation.
Json messages_of(const chat::Conversation& talk) {
  Json out = Json::array();
  for (const chat::Message& message : talk.messages) {
    Json one = {{"role", chat::role_name(message.role)}, {"content", message.content}};
    for (const chat::ToolCall& call : message.tool_calls)
      one["tool_calls"].push_back(
          {{"function", {{"name", call.name}, {"arguments", Json::parse(call.arguments)}}}});
    if (message.role == Role::Tool) one["tool_name"] = message.name;
    out.push_back(std::move(one));
  }
  return out;
}

TEST(OllamaRequest, KeepsConversations) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Ask ask = testing::RandomTalk(seed, {.images = false, .errors = false}).ask();
    auto& talk = std::get<chat::Conversation>(ask.request.prompt);
    const auto got =
        read_request({{"model", "m"}, {"messages", messages_of(talk)}}, Endpoint::Chat);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_THAT(got.value().lost.lines(), IsEmpty());
    const auto& back = talk_of(got).messages;
    ASSERT_EQ(back.size(), talk.messages.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      EXPECT_EQ(back[i].content, talk.messages[i].content);
      EXPECT_EQ(back[i].name, talk.messages[i].name);
      ASSERT_EQ(back[i].tool_calls.size(), talk.messages[i].tool_calls.size());
      for (std::size_t k = 0; k < back[i].tool_calls.size(); ++k)
        EXPECT_EQ(back[i].tool_calls[k].arguments, talk.messages[i].tool_calls[k].arguments);
    }
  }
}

const Header kHeader{.model = "m", .created_ms = 1'700'000'000'123, .load_ms = 2};

TEST(OllamaWriteAnswer, IsWhatClientsRead) {
  Answer answer;
  answer.message.content = "hi";
  answer.message.reasoning = "hm";
  answer.message.tool_calls = {{"call_1", "f", R"({"a":1})"}};
  answer.finished.reason = FinishReason::ToolCalls;
  answer.finished.usage = {.prompt_tokens = 10, .completion_tokens = 5};
  answer.finished.timings = {.prompt_ms = 1.5, .predicted_ms = 3, .queued_ms = 0.5};
  EXPECT_EQ(write_answer(kHeader, answer, Endpoint::Chat).what, Json::parse(R"({
    "model":"m","created_at":"2023-11-14T22:13:20.123Z",
    "message":{"role":"assistant","content":"hi","thinking":"hm","tool_calls":[
      {"id":"call_1","function":{"index":0,"name":"f","arguments":{"a":1}}}]},
    "done":true,"done_reason":"stop","total_duration":7000000,"load_duration":2000000,
    "prompt_eval_count":10,"prompt_eval_duration":1500000,"eval_count":5,
    "eval_duration":3000000})"));
  const auto generated = write_answer(kHeader, answer, Endpoint::Generate);
  EXPECT_EQ(generated.what["response"], "hi");
  EXPECT_THAT(generated.lost.lines(), ElementsAre("tool_calls: generate has none"));
  answer.finished.reason = FinishReason::Length;
  EXPECT_EQ(write_answer(kHeader, answer, Endpoint::Chat).what["done_reason"], "length");
  EXPECT_EQ(write_loaded(kHeader, true, Endpoint::Chat)["done_reason"], "load");
  EXPECT_EQ(write_loaded(kHeader, false, Endpoint::Generate)["done_reason"], "unload");
}

TEST(OllamaStream, SaysTheWholeAnswerInLines) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    testing::RandomTalk random(seed, {});
    const Answer answer = random.answer();
    const auto writer = make_stream_writer(kHeader, Endpoint::Chat);
    std::string content, thinking;
    Json calls = Json::array(), last;
    for (const chat::Event& event : random.events(answer)) {
      for (const Frame& frame : writer->write(event)) {
        const std::string line = line_text(frame);
        ASSERT_EQ(line.find('\n'), line.size() - 1);
        last = Json::parse(line);
        content += last["message"]["content"].get<std::string>();
        thinking += last["message"].value("thinking", "");
        if (last["message"].contains("tool_calls"))
          for (const Json& call : last["message"]["tool_calls"]) calls.push_back(call);
      }
    }
    EXPECT_EQ(last["done"], true);
    Json whole = write_answer(kHeader, answer, Endpoint::Chat).what;
    EXPECT_EQ(content, whole["message"]["content"].get<std::string>());
    EXPECT_EQ(thinking, whole["message"].value("thinking", ""));
    EXPECT_EQ(calls, whole["message"].value("tool_calls", Json::array()));
    whole["message"] = last["message"];
    EXPECT_EQ(last, whole);
    EXPECT_THAT(writer->lost().lines(), IsEmpty());
  }
}

TEST(OllamaStream, FailsInALine) {
  const auto writer = make_stream_writer(kHeader, Endpoint::Generate);
  writer->write(chat::Started{});
  EXPECT_EQ(line_text(writer->write(chat::Delta{.content = "a"}).at(0)),
            R"({"model":"m","created_at":"2023-11-14T22:13:20.123Z","response":"a","done":false})"
            "\n");
  EXPECT_EQ(line_text(writer->write(chat::Failed{{Code::Busy, "full", {}}}).at(0)),
            "{\"error\":\"full\"}\n");
  EXPECT_EQ(status_of({Code::Busy, "", {}}), 503);
  EXPECT_EQ(status_of({Code::NotFound, "", {}}), 404);
  EXPECT_EQ(status_of({Code::InvalidInput, "", {}}), 400);
}

TEST(OllamaModels, AreListed) {
  const Model model{.name = "ember:latest",
                    .size_bytes = 9,
                    .digest = "ab",
                    .family = "llama",
                    .parameter_size = "1.1B",
                    .quantization = "Q4_0",
                    .chat_template = "{{ x }}",
                    .context_tokens = 2'048,
                    .capabilities = {"completion", "tools"}};
  const Json listed = write_tags({model})["models"][0];
  EXPECT_EQ(listed["name"], "ember:latest");
  EXPECT_EQ(listed["modified_at"], "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(listed["details"]["families"], Json::array({"llama"}));
  EXPECT_EQ(write_tags({})["models"], Json::array());
  const Json running = write_running({model})["models"][0];
  EXPECT_EQ(running["name"], "ember:latest");
  EXPECT_EQ(running["expires_at"], "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(running["size_vram"], 0);
  const Json shown = write_show(model);
  EXPECT_EQ(shown["model_info"]["llama.context_length"], 2'048);
  EXPECT_EQ(shown["capabilities"], Json::array({"completion", "tools"}));
  EXPECT_EQ(write_version("0.1.0"), Json::parse(R"({"version":"0.1.0"})"));
  EXPECT_EQ(read_show(Json::parse(R"({"name":"x"})")).value(), "x");
  EXPECT_EQ(read_show(Json::parse(R"({"model":"y"})")).value(), "y");
  EXPECT_EQ(read_show(Json::parse("{}")).error().field, "model");
}

TEST(OllamaEmbed, ReadsAndWrites) {
  const auto read_text = [](const std::string& text) { return read_embed(Json::parse(text)); };
  EXPECT_THAT(read_text(R"({"model":"m","input":"a"})").value().what.inputs, ElementsAre("a"));
  EXPECT_THAT(read_text(R"({"model":"m","input":["a","b"]})").value().what.inputs,
              ElementsAre("a", "b"));
  EXPECT_THAT(read_text(R"({"model":"m"})").value().what.inputs, IsEmpty());
  EXPECT_EQ(read_text(R"({"model":"m","input":[1]})").error().field, "input[0]");
  EXPECT_EQ(read_text(R"({"model":"m","input":7})").error().field, "input");
  Json many = {{"model", "m"}, {"input", Json::array()}};
  for (std::size_t i = 0; i < kEmbedInputsMax; ++i) many["input"].push_back("x");
  EXPECT_TRUE(read_embed(many).ok());
  many["input"].push_back("x");
  EXPECT_EQ(read_embed(many).error().field, "input");
  EXPECT_THAT(read_text(R"({"model":"m","input":"a","dimensions":8})").value().lost.lines(),
              ElementsAre("dimensions: is not used"));
  EXPECT_EQ(write_embed(kHeader, {{0.5f, 1.0f}}, 3, 4), Json::parse(R"({"model":"m",
    "embeddings":[[0.5,1.0]],"total_duration":4000000,"load_duration":2000000,
    "prompt_eval_count":3})"));
}

TEST(OllamaEmbeddings, IsOneTextAndOneVector) {
  const auto read = read_embeddings({{"model", "m"}, {"prompt", "a"}, {"options", Json::object()}});
  EXPECT_THAT(read.value().what.inputs, ElementsAre("a"));
  EXPECT_TRUE(read.value().what.truncate);
  EXPECT_THAT(read.value().lost.lines(), ElementsAre("options: is not used"));
  EXPECT_EQ(read_embeddings({{"model", "m"}}).error().field, "prompt");
  EXPECT_EQ(read_embeddings({{"prompt", "a"}}).error().field, "model");
  EXPECT_EQ(write_embeddings({0.5f, 1.0f}), Json::parse(R"({"embedding":[0.5,1.0]})"));
}

TEST(OllamaTimeText, Table) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time_text(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(time_text(1'767'225'599'999), "2025-12-31T23:59:59.999Z");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace hearth::dialect::ollama
