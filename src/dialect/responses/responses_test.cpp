#include "dialect/responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "dialect/random_talk.h"

namespace hearth::dialect::responses {
namespace {

using chat::FinishReason;
using chat::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Carried<Request>> read(const std::string& text) { return read_request(Json::parse(text)); }
Result<Carried<Request>> read_with(const std::string& fields) {
  return read(R"({"model":"m","input":"hi",)" + fields + "}");
}
Result<Carried<Request>> read_input(const std::string& input) {
  return read(R"({"model":"m","input":)" + input + "}");
}
const chat::Conversation& talk_of(const Result<Carried<Request>>& got) {
  return std::get<chat::Conversation>(got.value().what.ask.request.prompt);
}

TEST(ResponsesReadRequest, ReadsWhatClientsSend) {
  const auto got = read(R"({
    "model":"hearth","instructions":"be brief","stream":true,"store":false,"temperature":0.5,
    "max_output_tokens":100,"previous_response_id":"resp_1","metadata":{"a":"b"},
    "reasoning":{"effort":"low","summary":null},"truncation":"auto","include":[],
    "parallel_tool_calls":false,"tool_choice":{"type":"function","name":"f"},
    "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},
            "verbosity":"low"},
    "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},
             {"type":"web_search"}],
    "input":[
      {"role":"user","content":[{"type":"input_text","text":"see"},
        {"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"auto"},
        {"type":"input_text","text":"this"}]},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}]},
      {"type":"message","role":"assistant","id":"msg_1","status":"completed",
       "content":[{"type":"output_text","text":"I look","annotations":[]}]},
      {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\":1}"},
      {"type":"function_call","call_id":"call_2","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"call_1","output":"one"},
      {"type":"function_call_output","call_id":"call_2","output":[{"type":"input_text","text":"two"}]},
      {"type":"function_call_output","call_id":"call_0","output":"of an earlier response"},
      {"type":"web_search_call","id":"ws_1"}]})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  const Request& request = got.value().what;
  EXPECT_TRUE(request.ask.stream);
  EXPECT_FALSE(request.delivery.store);
  EXPECT_EQ(request.delivery.previous_response_id, "resp_1");
  EXPECT_EQ(request.delivery.effort, "low");
  EXPECT_EQ(request.ask.request.tokens_max, 100u);
  EXPECT_EQ(request.ask.request.format.source, R"({"type":"object"})");
  EXPECT_EQ(request.delivery.format["name"], "n");
  const auto& talk = talk_of(got);
  EXPECT_EQ(talk.tools.size(), 1u);
  EXPECT_EQ(talk.tool_choice.name, "f");
  EXPECT_FALSE(talk.parallel_tool_calls);
  ASSERT_EQ(talk.messages.size(), 6u);
  EXPECT_EQ(talk.messages[0].content, "be brief");
  EXPECT_EQ(talk.messages[1].content, "seethis");
  EXPECT_THAT(talk.messages[1].images,
              ElementsAre(chat::Image{.media_type = "image/png", .data = "AAAA", .at = 3}));
  EXPECT_EQ(talk.messages[2].content, "I look");
  EXPECT_EQ(talk.messages[2].reasoning, "hm");
  EXPECT_EQ(talk.messages[2].tool_calls.size(), 2u);
  EXPECT_EQ(talk.messages[3].name, "f");
  EXPECT_EQ(talk.messages[4].content, "two");
  EXPECT_EQ(talk.messages[5].tool_call_id, "call_0");
  EXPECT_THAT(got.value().lost.lines(),
              ElementsAre("reasoning.effort: is not used", "text.verbosity: is not used",
                          "tools[1]: a tool that the provider would run is not offered",
                          "input[8]: an item of type web_search_call is left out",
                          "truncation: is not used", "include: is not used"));
}

TEST(ResponsesReadRequest, TakesAStringAndHasDefaults) {
  const auto got = read_input(R"("hi")");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(talk_of(got).messages.at(0).content, "hi");
  EXPECT_FALSE(got.value().what.ask.stream);
  EXPECT_TRUE(got.value().what.delivery.store);
  EXPECT_TRUE(talk_of(got).parallel_tool_calls);
}

TEST(ResponsesReadRequest, RefusesWithTheField) {
  const std::string long_id(kResponseIdBytesMax + 1, 'x'), long_value(kMetadataBytesMax + 1, 'x');
  std::string members;
  for (std::size_t i = 0; i <= kMetadataMax; ++i)
    members += (i ? ",\"" : "\"") + std::to_string(i) + R"(":"x")";
  struct Case {
    Result<Carried<Request>> got;
    const char* field;
    const char* problem;
  };
  const Case kCases[] = {
      {read("[]"), "", "object"},
      {read(R"({"input":"x"})"), "model", "string"},
      {read(R"({"model":"m"})"), "input", "is required"},
      {read_input("[]"), "input", "empty"},
      {read_input("7"), "input", "a string or an array"},
      {read_input("[7]"), "input[0]", "object"},
      {read_input(R"([{"role":"tool","content":"x"}])"), "input[0].role", "must be user"},
      {read_input(R"([{"role":"user"}])"), "input[0].content", "is required"},
      {read_input(R"([{"role":"user","content":[{"type":"input_file"}]}])"),
       "input[0].content[0].type", "not supported"},
      {read_input(R"([{"role":"user","content":[{"type":"input_image","file_id":"x"}]}])"),
       "input[0].content[0].image_url", "is required"},
      {read_input(R"([{"role":"user","content":[{"type":"input_image","image_url":"data:x"}]}])"),
       "input[0].content[0].image_url", "data:image"},
      {read_input(
           R"([{"role":"assistant","content":[{"type":"input_image","image_url":"http://a"}]}])"),
       "input[0].content", "only with role user"},
      {read_input(R"([{"type":"item_reference","id":"x"}])"), "input[0].type", "not supported"},
      {read_input(R"([{"type":"function_call","call_id":"","name":"f","arguments":""}])"),
       "input[0].call_id", "1 to 256"},
      {read_input(R"([{"type":"function_call","call_id":"1","name":"f","arguments":{}}])"),
       "input[0].arguments", "a string"},
      {read_input(R"([{"type":"function_call_output","call_id":"1","output":"x"}])"),
       "input[0].call_id", "no earlier item"},
      {read_input(R"([{"type":"web_search_call"}])"), "input", "at least one"},
      {read_with(R"("conversation":"conv_1")"), "conversation", "not supported"},
      {read_with(R"("prompt":{"id":"x"})"), "prompt", "not supported"},
      {read_with(R"("previous_response_id":")" + long_id + '"'), "previous_response_id", "128"},
      {read_with(R"("metadata":{"a":1})"), "metadata.a", "a string"},
      {read_with(R"("metadata":{"a":")" + long_value + "\"}"), "metadata.a", "512"},
      {read_with("\"metadata\":{" + members + "}"), "metadata", "at most 16"},
      {read_with(R"("temperature":3)"), "temperature", "from 0 to 2"},
      {read_with(R"("max_output_tokens":0)"), "max_output_tokens", "from 1"},
      {read_with(R"("text":{"format":{"type":"xml"}})"), "text.format.type", "must be"},
      {read_with(R"("text":{"format":{"type":"json_schema","name":"n"}})"), "text.format.schema",
       "is required"},
      {read_with(R"("tools":[{"type":"function","name":"a b"}])"), "tools[0].name", "1 to 64"},
      {read_with(R"("tool_choice":"some")"), "tool_choice", "must be none"},
      {read_with(R"("tool_choice":"required")"), "tool_choice", "at least one tool"},
      {read_with(R"("tool_choice":{"type":"function","name":"f"})"), "tool_choice.name", "no tool"},
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
Json items_of(const chat::Conversation& talk) {
  Json items = Json::array();
  for (const chat::Message& message : talk.messages) {
    if (message.role == Role::Tool) {
      items.push_back({{"type", "function_call_output"},
                       {"call_id", message.tool_call_id},
                       {"output", message.content}});
      continue;
    }
    Json content = Json::array();
    std::size_t begin = 0;
    const auto put_text = [&](std::size_t end) {
      if (end > begin)
        content.push_back(
            {{"type", "input_text"}, {"text", message.content.substr(begin, end - begin)}});
      begin = end;
    };
    for (const chat::Image& image : message.images) {
      put_text(image.at);
      const std::string url =
          image.url.empty() ? "data:" + image.media_type + ";base64," + image.data : image.url;
      content.push_back({{"type", "input_image"}, {"image_url", url}});
    }
    put_text(message.content.size());
    if (!content.empty())
      items.push_back({{"role", chat::role_name(message.role)}, {"content", content}});
    for (const chat::ToolCall& call : message.tool_calls)
      items.push_back({{"type", "function_call"},
                       {"call_id", call.id},
                       {"name", call.name},
                       {"arguments", call.arguments}});
  }
  return items;
}

TEST(ResponsesRequest, KeepsConversations) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Ask ask = testing::RandomTalk(seed, {.errors = false}).ask();
    const auto& talk = std::get<chat::Conversation>(ask.request.prompt);
    const auto got = read_request({{"model", "m"}, {"input", items_of(talk)}});
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_THAT(got.value().lost.lines(), IsEmpty());
    const auto& back = talk_of(got).messages;
    ASSERT_EQ(back.size(), talk.messages.size());
    for (std::size_t i = 0; i < back.size(); ++i)
      EXPECT_EQ(chat::message_text(back[i]), chat::message_text(talk.messages[i]));
  }
}

Header header_of(const Answer& answer) {
  Header header{.id = "resp_abc", .model = answer.model, .created = 1'700'000'000};
  header.delivery.metadata = {{"a", "b"}};
  return header;
}

TEST(ResponsesWriteAnswer, IsWhatClientsRead) {
  Answer answer{.model = "m"};
  answer.message.content = "hi";
  answer.message.reasoning = "hm";
  answer.message.tool_calls = {{"call_1", "f", "{}"}};
  answer.finished.reason = FinishReason::ToolCalls;
  answer.finished.usage = {.prompt_tokens = 10, .cached_tokens = 4, .completion_tokens = 5};
  const Json body = write_answer(header_of(answer), answer).what;
  EXPECT_EQ(body["id"], "resp_abc");
  EXPECT_EQ(body["object"], "response");
  EXPECT_EQ(body["created_at"], 1'700'000'000);
  EXPECT_EQ(body["status"], "completed");
  EXPECT_EQ(body["text"]["format"], (Json{{"type", "text"}}));
  EXPECT_EQ(body["metadata"]["a"], "b");
  EXPECT_EQ(body["output"], Json::parse(R"([
    {"id":"rs_abc_0","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
    {"id":"msg_abc_1","type":"message","status":"completed","role":"assistant",
     "content":[{"type":"output_text","text":"hi","annotations":[],"logprobs":[]}]},
    {"id":"fc_abc_2","type":"function_call","status":"completed","call_id":"call_1","name":"f",
     "arguments":"{}"}])"));
  EXPECT_EQ(body["usage"], Json::parse(R"({"input_tokens":10,
    "input_tokens_details":{"cached_tokens":4},"output_tokens":5,
    "output_tokens_details":{"reasoning_tokens":0},"total_tokens":15})"));
}

TEST(ResponsesWriteAnswer, SaysWhyItIsIncomplete) {
  Answer answer{.model = "m"};
  answer.finished.reason = FinishReason::Length;
  Json body = write_answer(header_of(answer), answer).what;
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"]["reason"], "max_output_tokens");
  answer.finished.reason = FinishReason::Stop;
  answer.finished.notes.emplace_back(kDeclinedNote);
  body = write_answer(header_of(answer), answer).what;
  EXPECT_EQ(body["incomplete_details"]["reason"], "content_filter");
  EXPECT_EQ(write_state(header_of(answer), "cancelled")["status"], "cancelled");
  body = write_failed(header_of(answer), {Code::Busy, "full", {}});
  EXPECT_EQ(body["status"], "failed");
  EXPECT_EQ(body["error"], Json::parse(R"({"code":"rate_limit_exceeded","message":"full"})"));
}

std::vector<Frame> written(StreamWriter& writer, const std::vector<chat::Event>& events) {
  std::vector<Frame> frames;
  for (const chat::Event& event : events)
    for (Frame& frame : writer.write(event)) frames.push_back(std::move(frame));
  return frames;
}

TEST(ResponsesStream, EndsWithTheWholeAnswer) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    testing::RandomTalk random(seed, {});
    const Answer answer = random.answer();
    const auto writer = make_stream_writer(header_of(answer));
    const auto frames = written(*writer, random.events(answer));
    std::map<std::string, std::string> said;  // by item
    std::size_t open_items = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const Json& event = frames[i].data;
      EXPECT_EQ(event["sequence_number"], i);
      EXPECT_EQ(event["type"], frames[i].event);
      const std::string type = frames[i].event;
      if (type == "response.output_item.added") ++open_items;
      if (type == "response.output_item.done") --open_items;
      if (type.ends_with(".delta")) said[event["item_id"]] += event["delta"].get<std::string>();
      const bool is_text =
          type == "response.output_text.done" || type.ends_with("summary_text.done");
      if (is_text) {
        EXPECT_EQ(event["text"], said[event["item_id"]]);
      }
      if (type == "response.function_call_arguments.done") {
        EXPECT_EQ(event["arguments"], said[event["item_id"]]);
      }
      EXPECT_LE(open_items, 1u);
    }
    EXPECT_EQ(frames[0].event, "response.created");
    EXPECT_EQ(frames[1].event, "response.in_progress");
    EXPECT_EQ(frames.back().event,
              std::string("response.") +
                  (answer.finished.reason == FinishReason::Length ? "incomplete" : "completed"));
    EXPECT_EQ(frames.back().data["response"], write_answer(header_of(answer), answer).what);
  }
}

TEST(ResponsesStream, HasTheEventsOfAText) {
  const auto writer = make_stream_writer({.id = "resp_1", .model = "m"});
  std::vector<std::string> names;
  for (const Frame& frame :
       written(*writer, {chat::Started{}, chat::Delta{.content = "a"}, chat::Finished{}}))
    names.push_back(frame.event);
  EXPECT_THAT(names,
              ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                          "response.content_part.added", "response.output_text.delta",
                          "response.output_text.done", "response.content_part.done",
                          "response.output_item.done", "response.completed"));
}

TEST(ResponsesStream, FailsWithWhatWasSaid) {
  const auto writer = make_stream_writer({.id = "resp_1", .model = "m"});
  const auto frames = written(*writer, {chat::Started{}, chat::Delta{.content = "a"},
                                        chat::Failed{{Code::Internal, "broke", {}}}});
  EXPECT_EQ(frames.back().event, "response.failed");
  EXPECT_EQ(frames.back().data["response"]["error"]["message"], "broke");
}

}  // namespace
}  // namespace hearth::dialect::responses
