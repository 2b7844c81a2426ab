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
  Metered metered(fake, [&told](Metering one) { told.push_back(std::move(one)); });
  chat::Request request{.prompt = chat::PlainText{"hello"}};
  request.account = 7;
  request.session = "s";
  request.purpose = chat::Purpose::Compaction;
  EXPECT_EQ(generate(soon(), metered, request).value().message.content, "Hi there");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].account, 7u);
  EXPECT_EQ(told[0].session, "s");
  EXPECT_EQ(told[0].purpose, chat::Purpose::Compaction);
  EXPECT_EQ(told[0].model, "fake");
  EXPECT_EQ(told[0].usage.prompt_tokens, 5u);
  EXPECT_EQ(told[0].usage.completion_tokens, 2u);
  EXPECT_FALSE(generate(soon(), metered, {.prompt = chat::PlainText{"break"}}).ok());
  const auto held = metered.start({.prompt = chat::PlainText{"hold"}}, std::make_shared<Notes>());
  held.value()->cancel();
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace hearth::model
