#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/ask/conversation.h"
#include "cli/ask/prompt_input.h"
#include "cli/ask/reply_reader.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> contents(const Conversation& conversation) {
  std::vector<std::string> texts;
  for (const auto& message : conversation.messages()) texts.push_back(message.content);
  return texts;
}

TEST(Conversation, ForgetsTheOldestTurnButNeverSystemNorTheLast) {
  Conversation conversation("rules");
  EXPECT_FALSE(conversation.drop_oldest_turn());
  conversation.add_user("q1");
  conversation.add_assistant("a1");
  conversation.add_user("q2");
  conversation.add_user("q3");  // q2's answer failed but was kept
  EXPECT_TRUE(conversation.drop_oldest_turn());
  EXPECT_THAT(contents(conversation), ElementsAre("rules", "q2", "q3"));
  EXPECT_TRUE(conversation.drop_oldest_turn());
  EXPECT_THAT(contents(conversation), ElementsAre("rules", "q3"));
  EXPECT_FALSE(conversation.drop_oldest_turn());
  EXPECT_THAT(contents(conversation), ElementsAre("rules", "q3"));
}

TEST(Conversation, TakesBackAnUnansweredQuestionOnly) {
  Conversation conversation;
  conversation.drop_unanswered();
  conversation.add_user("q1");
  conversation.add_assistant("a1");
  conversation.drop_unanswered();
  conversation.add_user("q2");
  conversation.drop_unanswered();
  EXPECT_THAT(contents(conversation), ElementsAre("q1", "a1"));
}

TEST(Conversation, ClearKeepsTheSystemText) {
  Conversation conversation("rules");
  conversation.add_user("q");
  conversation.clear();
  EXPECT_THAT(contents(conversation), ElementsAre("rules"));
}

TEST(Conversation, HoldsValidUtf8Only) {
  Conversation conversation;
  conversation.add_user("a\xff");
  EXPECT_THAT(contents(conversation), ElementsAre("a\xef\xbf\xbd"));
}

/// A pipe's reading end that holds `text`.
class Piped {
 public:
  explicit Piped(const std::string& text) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    fd_ = ends[0];
  }
  ~Piped() { ::close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

TEST(ReadPrompt, JoinsArgumentsAndInput) {
  struct Case {
    std::vector<std::string> words;
    std::string input, want;
  };
  const Case kCases[] = {
      {{"What", "is", "it?"}, "", "What is it?"},
      {{}, "from a pipe\n\n", "from a pipe"},
      {{"Describe:"}, "line 1\nline 2\n", "Describe:\n\nline 1\nline 2"},
      {{"alone"}, " \n\t\n", "alone"},
      {{}, "  indented", "  indented"},
  };
  for (const Case& c : kCases) {
    const auto got = read_prompt(c.words, Piped(c.input).fd());
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got.value(), c.want);
  }
}

TEST(ReadPrompt, IsRequiredAndBounded) {
  const auto none = read_prompt({}, Piped(" \n").fd());
  EXPECT_EQ(none.error().code, Code::InvalidInput);
  EXPECT_THAT(none.error().message, HasSubstr("a prompt is required"));
  EXPECT_EQ(read_prompt({""}, Piped("").fd()).error().code, Code::InvalidInput);
  EXPECT_TRUE(read_prompt({std::string(kPromptBytesMax, 'x')}, Piped("").fd()).ok());
  EXPECT_EQ(read_prompt({std::string(kPromptBytesMax + 1, 'x')}, Piped("").fd()).error().code,
            Code::TooLarge);
  EXPECT_EQ(read_prompt({std::string(kPromptBytesMax - 3, 'x')}, Piped("yy").fd()).error().code,
            Code::TooLarge);
  EXPECT_TRUE(read_prompt({"closed input"}, -1).ok());
}

TEST(RequestBody, CarriesWhatWasAsked) {
  const Question plain{
      .messages = {said(chat::Role::System, "s"), said(chat::Role::User, "q\xff")}};
  const auto body = nlohmann::json::parse(request_body("ember", plain));
  EXPECT_EQ(body["model"], "ember");
  EXPECT_EQ(body["temperature"], 0.0);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["messages"][0]["role"], "system");
  EXPECT_EQ(body["messages"][1]["content"], "q\xef\xbf\xbd");
  EXPECT_FALSE(body.contains("max_tokens") || body.contains("seed") || body.contains("session_id"));
  const Question full{
      .messages = {}, .tokens_max = 7, .temperature = 1.5, .seed = 9, .session = "work"};
  const auto all = nlohmann::json::parse(request_body("qwen", full));
  EXPECT_EQ(all["max_tokens"], 7);
  EXPECT_EQ(all["temperature"], 1.5);
  EXPECT_EQ(all["seed"], 9);
  EXPECT_EQ(all["session_id"], "work");
  EXPECT_EQ(nlohmann::json::parse(request_body("qwen", plain))["temperature"], 0.7);
}

TEST(ReplyReader, PutsAStreamTogether) {
  std::string shown;
  const OnText on_text = [&](std::string_view text) { shown += text; };
  ReplyReader reader(on_text);
  reader.take(
      R"({"model":"ember","session_id":"sess_1","choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]})");
  reader.take(R"({"model":"ember","choices":[{"delta":{"content":"Ro"},"finish_reason":null}]})");
  reader.take(R"({"model":"ember","choices":[{"delta":{"content":"me"},"finish_reason":null}]})");
  reader.take(R"({"model":"ember","choices":[{"delta":{},"finish_reason":"stop"}]})");
  reader.take(
      R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,)"
      R"("prompt_tokens_details":{"cached_tokens":4}},"timings":{"prompt_ms":1.5,"predicted_ms":2.5}})");
  reader.take("[DONE]");
  const auto reply = reader.finish();
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(shown, "Rome");
  EXPECT_EQ(reply.value().text, "Rome");
  EXPECT_EQ(reply.value().model, "ember");
  EXPECT_EQ(reply.value().session_id, "sess_1");
  EXPECT_EQ(reply.value().finish_reason, "stop");
  EXPECT_EQ(reply.value().usage.prompt_tokens, 9u);
  EXPECT_EQ(reply.value().usage.cached_tokens, 4u);
  EXPECT_EQ(reply.value().usage.completion_tokens, 2u);
  EXPECT_EQ(reply.value().timings.prompt_ms, 1.5);
  EXPECT_EQ(reply.value().timings.predicted_ms, 2.5);
}

TEST(ReplyReader, ReportsErrorsAndBrokenStreams) {
  const OnText nothing = [](std::string_view) {};
  ReplyReader failed(nothing);
  failed.take(
      R"({"error":{"message":"engine crashed","type":"server_error","code":"unavailable"}})");
  EXPECT_EQ(failed.finish().error().message, "engine crashed");
  ReplyReader broken(nothing);
  broken.take(R"({"choices":[{"delta":{"content":"half"}}]})");
  EXPECT_EQ(broken.finish().error().code, Code::Unavailable);
}

TEST(ReplyReader, SurvivesAnyJson) {
  const OnText nothing = [](std::string_view) {};
  ReplyReader reader(nothing);
  for (const char* data :
       {"", "null", "[]", "1", "{", R"({"choices":1})", R"({"choices":[1]})",
        R"({"choices":[{"delta":1,"finish_reason":2}],"model":3,"usage":[],"timings":"x"})",
        R"({"usage":{"prompt_tokens":-1,"prompt_tokens_details":7}})"})
    reader.take(data);
  reader.take("[DONE]");
  EXPECT_TRUE(reader.finish().ok());
}

TEST(ErrorOfEnvelope, SaysWhatTheDaemonSaid) {
  struct Case {
    int status;
    const char* body;
    Code code;
    const char *message, *field;
  };
  const Case kCases[] = {
      {400, R"({"error":{"message":"too long","code":"context_length_exceeded","param":null}})",
       Code::TooLarge, "too long", "messages"},
      {400, R"({"error":{"message":"bad","param":"seed","code":null}})", Code::InvalidInput, "bad",
       "seed"},
      {401, R"({"error":{"message":"no token"}})", Code::Denied, "HEARTH_TOKEN", ""},
      {413, R"({"error":{"message":"body"}})", Code::TooLarge, "body", ""},
      {429, R"({"error":{"message":"full"}})", Code::Busy, "full", ""},
      {503, "not json", Code::Unavailable, "status 503", ""},
      {504, "{}", Code::Timeout, "status 504", ""},
  };
  for (const Case& c : kCases) {
    const Error got = error_of_envelope(c.status, c.body);
    EXPECT_EQ(got.code, c.code) << c.body;
    EXPECT_THAT(got.message, HasSubstr(c.message));
    EXPECT_EQ(got.field, c.field);
  }
}

}  // namespace
}  // namespace hearth::cli
