#include "model/metered.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/fake_model.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

TEST(Metered, TellsWhatAnAnswerTookAndForWhom) {
  FakeModel fake({.name = "fake",
                  .rules = {{"hello", {.pieces = {"Hi", " there"}}},
                            {"break", {.pieces = {"x"}, .error = Error{Code::Internal, "broke"}}},
                            {"hold", {.pieces = {"x"}, .manual = true}}}});
  std::vector<Metering> told;
  SetTime time;
  Metered metered(fake, time, [&told](Metering one) { told.push_back(std::move(one)); },
                  {.provider = "elsewhere", .is_paid = true});
  chat::Request request{.prompt = chat::PlainText{"hello"}};
  request.account = 7;
  request.session = "s";
  request.purpose = chat::Purpose::Compaction;
  request.route = chat::Route{.asked = "auto", .model = "fake"};
  EXPECT_EQ(generate(soon(), metered, request).value().message.content, "Hi there");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].account, 7u);
  EXPECT_EQ(told[0].session, "s");
  EXPECT_EQ(told[0].purpose, chat::Purpose::Compaction);
  EXPECT_EQ(told[0].model, "fake");
  EXPECT_EQ(told[0].usage.prompt_tokens, 5u);
  EXPECT_EQ(told[0].usage.completion_tokens, 2u);
  EXPECT_EQ(told[0].provider, "elsewhere");
  EXPECT_TRUE(told[0].is_paid);
  EXPECT_EQ(told[0].route.value_or(chat::Route{}).asked, "auto");
  EXPECT_FALSE(told[0].failed);
  EXPECT_FALSE(generate(soon(), metered, {.prompt = chat::PlainText{"break"}}).ok());
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].failed, Code::Internal);
  const auto held = metered.start({.prompt = chat::PlainText{"hold"}}, std::make_shared<Notes>());
  held.value()->cancel();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[2].failed, Code::Cancelled);
}

TEST(Metered, CountsTheCallsOfAnAnswerAndItsTime) {
  FakeModel fake(
      {.rules = {{"", {.tool_calls = {{"a", "x", "{}"}, {"b", "y", "{}"}}, .manual = true}}}});
  SetTime time;
  std::vector<Metering> told;
  Metered metered(fake, time, [&told](Metering one) { told.push_back(std::move(one)); });
  const auto begun = metered.start({.prompt = chat::PlainText{"go"}}, std::make_shared<Notes>());
  time.pass(Millis(250));
  fake.step(100);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].tool_calls, 2u);
  EXPECT_EQ(told[0].reason, chat::FinishReason::ToolCalls);
  EXPECT_EQ(told[0].took, Millis(250));
  EXPECT_EQ(told[0].provider, "local");
}

}  // namespace
}  // namespace hearth::model
