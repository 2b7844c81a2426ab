#include "model/fake_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mutex.h"

namespace hearth::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

chat::Request asking(const std::string& text) {
  return {.prompt = chat::Conversation{.messages = {{chat::Role::User, text}}}};
}

/// Notes every event as a short word.
class Notes final : public EventSink {
 public:
  void on_event(const chat::Event& event) override {
    MutexLock lock(mutex_);
    if (std::holds_alternative<chat::Started>(event)) words_.push_back("started");
    if (const auto* delta = std::get_if<chat::Delta>(&event)) words_.push_back(delta->content);
    if (std::holds_alternative<chat::Finished>(event)) words_.push_back("finished");
    if (const auto* failed = std::get_if<chat::Failed>(&event))
      words_.push_back(code_name(failed->error.code));
  }
  std::vector<std::string> words() const {
    MutexLock lock(mutex_);
    return words_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> words_ GUARDED_BY(mutex_);
};

TEST(FakeModel, FollowsItsScript) {
  FakeModel model(
      {.rules = {{"hello", {.pieces = {"Hi", " there"}, .reasoning = "polite"}},
                 {"call", {.tool_calls = {{"call_1", "find", "{\"q\":1}"}}}},
                 {"break", {.pieces = {"x"}, .error = Error{Code::Internal, "broke"}}}}});
  const auto hello = generate(soon(), model, asking("hello")).value();
  EXPECT_EQ(hello.message.content, "Hi there");
  EXPECT_EQ(hello.message.reasoning, "polite");
  EXPECT_EQ(hello.finished.usage.prompt_tokens, 5u);
  EXPECT_EQ(hello.finished.usage.completion_tokens, 2u);
  EXPECT_EQ(hello.finished.reason, chat::FinishReason::Stop);

  const auto call = generate(soon(), model, asking("call")).value();
  ASSERT_EQ(call.message.tool_calls.size(), 1u);
  EXPECT_EQ(call.message.tool_calls[0].id, "call_1");
  EXPECT_EQ(call.message.tool_calls[0].arguments, "{\"q\":1}");
  EXPECT_EQ(call.finished.reason, chat::FinishReason::ToolCalls);

  EXPECT_EQ(generate(soon(), model, asking("break")).error().message, "broke");
  EXPECT_EQ(generate(soon(), model, asking("?")).error().code, Code::InvalidInput);
  EXPECT_EQ(model.requests().size(), 4u);
}

TEST(FakeModel, HonoursTokensMaxStopAndLogprobs) {
  FakeModel model({.rules = {{"", {.pieces = {"a", "b", "c"}}}}, .context_tokens = 10});
  auto request = asking("x");
  request.tokens_max = 2;
  const auto shorter = generate(soon(), model, request).value();
  EXPECT_EQ(shorter.message.content, "ab");
  EXPECT_EQ(shorter.finished.reason, chat::FinishReason::Length);

  request.tokens_max.reset();
  request.stop = {"bc"};
  const auto stopped = generate(soon(), model, request).value();
  EXPECT_EQ(stopped.finished.stop_string, "bc");

  request.stop.clear();
  request.top_logprobs = 1;
  std::size_t logprobs = 0;
  static_cast<void>(generate(soon(), model, request, [&](const chat::Event& event) {
    if (const auto* delta = std::get_if<chat::Delta>(&event)) logprobs += delta->logprobs.size();
  }));
  EXPECT_EQ(logprobs, 3u);

  EXPECT_EQ(generate(soon(), model, asking("0123456789")).ok(), true);
  EXPECT_EQ(generate(soon(), model, asking("0123456789a")).error().code, Code::TooLarge);
}

TEST(FakeModel, StepsManualAnswersEventByEvent) {
  FakeModel model({.rules = {{"", {.pieces = {"a", "b"}, .manual = true}}}});
  const auto notes = std::make_shared<Notes>();
  const auto generation = model.start(asking("x"), notes).value();
  EXPECT_THAT(notes->words(), ElementsAre());
  EXPECT_EQ(model.step(), 1u);
  EXPECT_THAT(notes->words(), ElementsAre("started"));
  EXPECT_EQ(model.step(2), 2u);
  EXPECT_THAT(notes->words(), ElementsAre("started", "a", "b"));
  EXPECT_EQ(model.step(9), 1u);
  EXPECT_THAT(notes->words(), ElementsAre("started", "a", "b", "finished"));
  EXPECT_EQ(model.step(), 0u);
  EXPECT_EQ(model.running(), 0u);
  EXPECT_EQ(model.cancelled(), 0u);
}

TEST(FakeModel, CancelTellsTheSinkAndDestroyingDoesNot) {
  FakeModel model({.rules = {{"", {.pieces = {"a"}, .manual = true}}}});
  const auto told = std::make_shared<Notes>(), silent = std::make_shared<Notes>();
  auto first = model.start(asking("x"), told).value();
  auto second = model.start(asking("x"), silent).value();
  EXPECT_EQ(model.running(), 2u);
  first->cancel();
  first->cancel();
  second.reset();
  EXPECT_EQ(model.step(5), 0u);
  EXPECT_THAT(told->words(), ElementsAre("Cancelled"));
  EXPECT_THAT(silent->words(), ElementsAre());
  EXPECT_EQ(model.running(), 0u);
  EXPECT_EQ(model.cancelled(), 2u);
}

TEST(FakeModel, IsBusyAtItsBound) {
  FakeModel model({.rules = {{"", {.manual = true}}}, .generations_max = 2});
  const auto notes = std::make_shared<Notes>();
  const auto first = model.start(asking("x"), notes), second = model.start(asking("x"), notes);
  EXPECT_TRUE(second.ok());
  EXPECT_EQ(model.start(asking("x"), notes).error().code, Code::Busy);
  model.step(2);
  EXPECT_TRUE(model.start(asking("x"), notes).ok());
}

TEST(FakeModel, IsUnavailableWhenNotReadyAndFailsWhatRunsOnACrash) {
  FakeModel model({.rules = {{"", {.manual = true}}}});
  const auto notes = std::make_shared<Notes>();
  const auto running = model.start(asking("x"), notes);
  model.fail_all({Code::Unavailable, "the engine ended"});
  EXPECT_THAT(notes->words(), ElementsAre("Unavailable"));
  model.set_state(State::Loading, "loading, 42 %");
  EXPECT_EQ(model.start(asking("x"), notes).error().message, "loading, 42 %");
  EXPECT_EQ(model.tokenize(soon(), "a", false, false).error().code, Code::Unavailable);
  EXPECT_EQ(model.embed(soon(), {"a"}).error().code, Code::Unavailable);
}

TEST(FakeModel, TokensAreBytesAndVectorsHaveLengthOne) {
  FakeModel model({});
  const auto tokens = model.tokenize(soon(), "aé", false, false).value();
  EXPECT_THAT(tokens, ElementsAre(97, 0xc3, 0xa9));
  EXPECT_EQ(model.detokenize(soon(), tokens).value(), "aé");
  EXPECT_EQ(model.detokenize(soon(), {256}).error().field, "tokens");
  const auto embedded = model.embed(soon(), {"ab", std::vector<chat::Token>{97, 98}, "b"}).value();
  EXPECT_EQ(embedded.vectors[0], embedded.vectors[1]);
  EXPECT_NE(embedded.vectors[0], embedded.vectors[2]);
  EXPECT_EQ(embedded.prompt_tokens, 5u);
  float squares = 0;
  for (const float value : embedded.vectors[0]) squares += value * value;
  EXPECT_NEAR(squares, 1, 1e-6);
}

TEST(FakeModel, AGenerationMayOutliveIt) {
  const auto notes = std::make_shared<Notes>();
  std::unique_ptr<Generation> generation;
  {
    FakeModel model({.rules = {{"", {.manual = true}}}});
    generation = model.start(asking("x"), notes).value();
  }
  EXPECT_THAT(notes->words(), ElementsAre("Unavailable"));
  generation->cancel();
}

TEST(Generate, GivesUpWithItsCallAndCancels) {
  FakeModel model({.rules = {{"", {.manual = true}}}});
  EXPECT_EQ(generate(Call::within(Millis(1)), model, asking("x")).error().code, Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = generate({Clock::time_point::max(), stop.get_token()}, model, asking("x"));
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
  EXPECT_EQ(model.running(), 0u);
  EXPECT_EQ(model.cancelled(), 2u);
}

TEST(Generate, ReturnsWhatStartRefuses) {
  FakeModel model({});
  model.set_state(State::Failed, "the file is cut short");
  EXPECT_THAT(generate(soon(), model, asking("x")).error().message, HasSubstr("cut short"));
}

TEST(Generate, SurvivesASinkThatThrows) {
  FakeModel model({.rules = {{"", {.pieces = {"a", "b"}}}}});
  int calls = 0;
  const auto got = generate(soon(), model, asking("x"), [&](const chat::Event&) {
    ++calls;
    std::vector<int>().at(1) = 0;  // throws out_of_range
  });
  EXPECT_EQ(got.error().code, Code::Internal);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace hearth::model
