#include "agent/replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "agent/audience.h"
#include "agent/turn.h"
#include "model/fake_model.h"
#include "store/sessions.h"

namespace hearth::agent {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

std::unique_ptr<model::FakeModel> says(const std::string& text, const std::string& name = "fake") {
  model::FakeModel::Options options{.name = name};
  options.rules.push_back({"", {.pieces = {text}}});
  return std::make_unique<model::FakeModel>(std::move(options));
}

class AgentReplay : public ::testing::Test {
 protected:
  AgentReplay() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-replay-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
    session_ = store::Sessions(*store_, time_).create(soon(), "ann").value().id;
  }
  ~AgentReplay() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static Parts parts(store::Store& store, const TimeSource& time, model::Model& model,
                     const std::string& instructions = "") {
    return {.store = store,
            .time = time,
            .find_model = [&model](std::string_view) { return &model; },
            .read_request =
                [](std::string_view, const std::string&) {
                  return chat::Request{.prompt = chat::Conversation{}};
                },
            .zone = context::StaticZone({.instructions = instructions}),
            .build = "1"};
  }

  void say(model::Model& model, const std::string& text) {
    store::Inbox inbox(*store_, time_);
    ASSERT_TRUE(
        inbox.accept(soon(), {.session_id = session_, .owner = "ann", .message = {.content = text}})
            .ok());
    const store::Inbound message = inbox.begin(soon(), session_).value().value();
    const Parts with = parts(*store_, time_, model);
    const auto audience = std::make_shared<Audience>();
    Turn turn(with, message, *audience, [](Event) {});
    EXPECT_EQ(turn.run(soon(), [] { return Turn::Stop::Cancelled; }), Turn::Outcome::Ended);
  }

  Recording recording(std::uint32_t turn) {
    return read_recording(soon(), *store_, time_, session_, turn).value();
  }

  /// In a store of its own.
  Replayed again(model::Model& model, const Recording& of) {
    const auto empty = store::Store::open(folder_ / ("again" + std::to_string(++count_))).value();
    return replay(soon(), of, parts(*empty, time_, model)).value();
  }

  SystemTime time_;
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::string session_;
  int count_ = 0;
};

TEST_F(AgentReplay, ATurnIsMadeAgainWithWhatWasSaidBeforeIt) {
  const auto model = says("yes");
  say(*model, "one");
  say(*model, "two");
  say(*model, "three");
  const std::size_t asked = model->requests().size();
  const Replayed replayed = again(*model, recording(1));
  EXPECT_TRUE(replayed.is_same());
  EXPECT_EQ(replayed.rounds_then, 1u);
  const auto requests = model->requests();
  ASSERT_GT(requests.size(), asked);
  const auto& talk = std::get<chat::Conversation>(requests[asked].prompt);
  ASSERT_EQ(talk.messages.size(), 4u);  // instructions, one, yes, two
  EXPECT_EQ(talk.messages[3].content, "two");
  EXPECT_EQ(talk.tail, recording(1).rounds.front().tail);
  EXPECT_FALSE(first_difference(soon(), replayed, *model).value());
}

TEST_F(AgentReplay, AnotherAnswerIsADifference) {
  const auto then = says("yes"), now = says("no", "other");
  say(*then, "one");
  const Replayed replayed = again(*now, recording(0));
  EXPECT_FALSE(replayed.is_same());
  const auto difference = first_difference(soon(), replayed, *now).value();
  ASSERT_TRUE(difference);
  EXPECT_FALSE(difference->in_prompt);
  EXPECT_EQ(difference->then, "yes");
  EXPECT_EQ(difference->now, "no");
}

TEST_F(AgentReplay, AnotherPromptIsADifference) {
  const auto model = says("yes");
  say(*model, "one");
  Recording changed = recording(0);
  changed.message.offer.message.content = "two";
  const Replayed replayed = again(*model, changed);
  EXPECT_FALSE(replayed.is_same());
  EXPECT_TRUE(first_difference(soon(), replayed, *model).value()->in_prompt);
}

TEST_F(AgentReplay, WhatChangedSinceIsSaid) {
  const auto then = says("yes"), now = says("yes", "other");
  say(*then, "one");
  Parts today = parts(*store_, time_, *now, "You are Ann.");
  today.build = "2";
  const auto changes = changes_since(recording(0), today, *now);
  EXPECT_THAT(changes, Contains("Hearth is 2, was 1"));
  EXPECT_THAT(changes, Contains("the model is other, was fake"));
  EXPECT_THAT(changes, Contains(HasSubstr("\"You are Ann.\" was \"You are a personal")));
  EXPECT_TRUE(changes_since(recording(0), parts(*store_, time_, *then), *then).empty());
}

TEST_F(AgentReplay, ATurnWithoutAJournalIsNotFound) {
  EXPECT_EQ(read_recording(soon(), *store_, time_, session_, 0).error().code, Code::NotFound);
}

}  // namespace
}  // namespace hearth::agent
