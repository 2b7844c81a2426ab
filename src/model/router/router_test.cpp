#include "model/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/fake_model.h"
#include "model/forwarding.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

using router::Level;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kDemanding =
    "Design and compare two architectures, step by step. Then tell "
    "me which is better. Why? And what does it cost?";

chat::Request saying(const std::string& text) {
  return {.prompt = chat::Conversation{.messages = {{.role = chat::Role::User, .content = text}}}};
}

FakeModel::Options named(const std::string& name) {
  return {.name = name,
          .rules = {{"hold", {.pieces = {"x"}, .manual = true}}, {"", {.pieces = {name}}}}};
}

/// Takes no request.
class Refusing final : public Forwarding {
 public:
  Refusing(Model& model, Error error) : Forwarding(model), error_(std::move(error)) {}
  Result<std::unique_ptr<Generation>> start(chat::Request, std::shared_ptr<EventSink>) override {
    ++asked;
    return error_;
  }
  int asked = 0;

 private:
  const Error error_;
};

class RouterTest : public testing::Test {
 protected:
  void open(RouterOptions options = {}) {
    router_ = std::make_unique<Router>(std::vector<RoutedModel>{{&small_, Level::Operational, true},
                                                                {&middle_, Level::Tactical, true},
                                                                {&cloud_, Level::Strategic, false}},
                                       options, time_, metrics_);
  }
  struct Said {
    std::string text;
    std::optional<chat::Route> route;
  };
  Said ask(const std::string& name, const std::string& text) {
    const auto answer = generate(soon(), *router_->find(name), saying(text));
    if (!answer.ok()) return {answer.error().message, {}};
    return {answer.value().message.content, answer.value().started.route};
  }

  SetTime time_;
  metrics::Registry metrics_;
  FakeModel small_{named("small")}, middle_{named("middle")}, cloud_{named("cloud")};
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, ChoosesByWhatIsNeededAndSaysWhy) {
  open();
  const Said easy = ask("auto", "What is the capital of Italy?");
  EXPECT_EQ(easy.text, "small");
  ASSERT_TRUE(easy.route);
  EXPECT_EQ(easy.route->asked, "auto");
  EXPECT_EQ(easy.route->model, "small");
  EXPECT_EQ(easy.route->level, "operational");
  const Said hard = ask("auto", kDemanding);
  EXPECT_EQ(hard.text, "cloud");
  EXPECT_EQ(hard.route->level, "strategic");
  EXPECT_THAT(hard.route->reasons, testing::Contains("a demanding word +3"));
  EXPECT_EQ(ask("local", kDemanding).text, "middle");
  EXPECT_EQ(ask("operational", kDemanding).text, "small");
  EXPECT_EQ(ask("tactical", "Hi").text, "middle");
  EXPECT_EQ(ask("strategic", "Hi").text, "cloud");
  EXPECT_FALSE(router_->find("small"));
  EXPECT_EQ(router_->explain("auto", saying(kDemanding)).model, "cloud");
}

TEST_F(RouterTest, ATurnChoosesAndMayChooseAgain) {
  open();
  Model& facade = *router_->find("auto");
  const auto hard = [] { return saying(kDemanding); };
  const auto first = facade.choose(hard, {});
  EXPECT_EQ(first.model, &cloud_);
  EXPECT_EQ(first.route.value_or(chat::Route{}).level, "strategic");
  EXPECT_TRUE(first.another_waits);
  EXPECT_TRUE(first.cheaper_waits);
  EXPECT_EQ(facade.choose(hard, {&cloud_}).model, &middle_);
  const auto last = facade.choose(hard, {&cloud_, &middle_});
  EXPECT_EQ(last.model, &small_);
  EXPECT_FALSE(last.another_waits);
  EXPECT_FALSE(last.cheaper_waits);
  EXPECT_FALSE(facade.choose(hard, {&cloud_, &middle_, &small_}).model);
  // What a turn learns is known to all.
  const Error broken{Code::Unavailable, "broken", {}};
  for (int i = 0; i < 5; ++i) facade.learn(cloud_, &broken);
  EXPECT_EQ(router_->find("strategic")->choose(hard, {}).model, &middle_);
  time_.pass(Millis(60'000));
  facade.learn(cloud_, nullptr);
  EXPECT_EQ(facade.choose(hard, {}).model, &cloud_);
  // A model that was named chooses itself, and nobody else.
  EXPECT_EQ(small_.choose(hard, {}).model, &small_);
  EXPECT_FALSE(small_.choose(hard, {}).route);
  EXPECT_FALSE(small_.choose(hard, {&small_}).model);
}

TEST_F(RouterTest, SaysToEachWhoWaitsBehindIt) {
  open();
  EXPECT_EQ(ask("strategic", "Hi").text, "cloud");
  EXPECT_TRUE(cloud_.requests().back().another_waits);
  EXPECT_TRUE(cloud_.requests().back().cheaper_waits);
  EXPECT_EQ(cloud_.requests().back().route.value_or(chat::Route{}).model, "cloud");
  cloud_.set_state(State::Restarting, "busy");
  EXPECT_EQ(ask("strategic", "Hi").text, "middle");
  EXPECT_EQ(middle_.requests().back().route.value_or(chat::Route{}).passed_over.size(), 1u);
  middle_.set_state(State::Restarting, "busy");
  EXPECT_EQ(ask("strategic", "Hi").text, "small");
  EXPECT_FALSE(small_.requests().back().another_waits);
  EXPECT_FALSE(small_.requests().back().cheaper_waits);
}

TEST_F(RouterTest, ModelsOfOneMachineFailTogether) {
  FakeModel mini(named("mini"));
  Router router({{&small_, Level::Operational, true},
                 {&mini, Level::Tactical, false, "cloud"},
                 {&cloud_, Level::Strategic, false, "cloud"}},
                {}, time_, metrics_);
  cloud_.set_state(State::Restarting, "down");
  const auto answerer = [&](const char* name) {
    return generate(soon(), *router.find(name), saying("Hi")).value().message.content;
  };
  const Error down{Code::Unavailable, "down", {}};
  for (int i = 0; i < 4; ++i) router.find("auto")->learn(cloud_, &down);
  EXPECT_EQ(answerer("tactical"), "mini");  // it answered: what was counted is forgotten
  for (int i = 0; i < 5; ++i) router.find("auto")->learn(cloud_, &down);
  EXPECT_EQ(answerer("tactical"), "small");
}

TEST_F(RouterTest, WhatMustNotBePaidIsPassedOverAndNotAFault) {
  FakeModel named_poor(named("poor")), named_keyless(named("keyless"));
  Refusing poor(named_poor, {Code::Denied, "no money", "budget.day_max"});
  Refusing keyless(named_keyless, {Code::Denied, "no key", ""});
  Router router({{&small_, Level::Operational, true},
                 {&poor, Level::Strategic, false},
                 {&keyless, Level::Strategic, false}},
                {}, time_, metrics_);
  for (int i = 0; i < 6; ++i) {
    const auto answer = generate(soon(), *router.find("strategic"), saying("Hi"));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer.value().started.route.value_or(chat::Route{}).passed_over.size(),
              i < 5 ? 2u : 1u);
  }
  EXPECT_EQ(poor.asked, 6);
  EXPECT_EQ(keyless.asked, 5);
}

TEST_F(RouterTest, WhoFailsBeforeAWordIsPassedOver) {
  open();
  small_.set_state(State::Restarting, "the engine ended");
  const Said said = ask("auto", "What is the capital of Italy?");
  EXPECT_EQ(said.text, "middle");  // it said at once that it could not
  ASSERT_EQ(said.route->passed_over.size(), 1u);
  EXPECT_THAT(said.route->passed_over[0], HasSubstr("small: the engine ended"));
  middle_.set_state(State::Failed, "the file is gone");
  cloud_.set_state(State::Failed, "no key");
  EXPECT_FALSE(generate(soon(), *router_->find("auto"), saying("Hi")).ok());
}

TEST_F(RouterTest, WhoFailsInTheMiddleIsNot) {
  open();
  const auto notes = std::make_shared<Notes>();
  const auto held = router_->find("operational")->start(saying("hold"), notes).value();
  ASSERT_EQ(small_.step(2), 2u);
  small_.fail_all({Code::Unavailable, "the engine ended", {}});
  EXPECT_EQ(notes->wait_for_failure().message, "the engine ended");
  EXPECT_THAT(middle_.requests(), IsEmpty());
}

TEST_F(RouterTest, WhoEndsBeforeItHasBegunIsPassedOver) {
  open();
  const auto notes = std::make_shared<Notes>();
  const auto held = router_->find("operational")->start(saying("hold"), notes).value();
  small_.fail_all({Code::Unavailable, "the engine ended", {}});
  ASSERT_EQ(middle_.step(3), 3u);
  const auto events = notes->wait_for(3);
  ASSERT_EQ(events.size(), 3u);
  const auto& started = std::get<chat::Started>(events[0]);
  EXPECT_EQ(started.route->model, "middle");
  EXPECT_THAT(started.route->passed_over, ElementsAre("small: the engine ended"));
}

TEST_F(RouterTest, AWrongRequestIsNotTriedElsewhere) {
  FakeModel picky({.name = "picky", .rules = {{"only this", {.pieces = {"x"}}}}});
  Router router({{&picky, Level::Operational, true}, {&cloud_, Level::Strategic, false}}, {}, time_,
                metrics_);
  const auto refused = generate(soon(), *router.find("auto"), saying("What is it?"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_THAT(cloud_.requests(), IsEmpty());
}

TEST_F(RouterTest, WhoFailsFiveTimesIsLeftAloneAndComesBackByItself) {
  open();
  small_.set_state(State::Restarting, "the engine ended");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("auto", "What is it?").text, "middle");
  small_.set_state(State::Ready, "");
  const Said open_still = ask("auto", "What is it?");
  EXPECT_EQ(open_still.text, "middle");
  EXPECT_THAT(open_still.route->passed_over,  // it was not even asked
              ElementsAre("small: left alone for another 60 s, after 5 failures in a row"));
  const auto place = router_->place_of(small_);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->level, router::Level::Operational);
  EXPECT_THAT(place->remark, HasSubstr("left alone for another 60 s"));
  time_.pass(Millis(60'000));
  EXPECT_EQ(ask("auto", "What is it?").text, "small");
  EXPECT_EQ(router_->place_of(small_)->remark, "");
}

TEST_F(RouterTest, CanBeGivenUp) {
  open();
  const auto notes = std::make_shared<Notes>();
  auto held = router_->find("operational")->start(saying("hold"), notes).value();
  held->cancel();
  EXPECT_EQ(notes->wait_for_failure().code, Code::Cancelled);
  EXPECT_EQ(notes->wait_for(1).size(), 1u);
  EXPECT_EQ(small_.running(), 0u);
  EXPECT_THAT(middle_.requests(), IsEmpty());
  auto silent =
      router_->find("operational")->start(saying("hold"), std::make_shared<Notes>()).value();
  silent.reset();
  EXPECT_EQ(small_.running(), 0u);
}

TEST_F(RouterTest, ACrisisGoesToNoSmallModelAloneAndTheAnswerCarriesHelp) {
  open({.help_lines = "Call 112."});
  const Said said = ask("auto", "I want to die");
  EXPECT_EQ(said.text, "cloud\n\nCall 112.");
  EXPECT_EQ(said.route->crisis, "self-harm");
  cloud_.set_state(State::Failed, "no key");
  EXPECT_THAT(ask("auto", "I want to die").text, HasSubstr("Call 112."));
  Router only_small({{&small_, Level::Operational, true}}, {.help_lines = "Call 112."}, time_,
                    metrics_);
  const auto safe = generate(soon(), *only_small.find("local"), saying("I want to die"));
  ASSERT_TRUE(safe.ok());
  EXPECT_THAT(safe.value().message.content, HasSubstr("Call 112."));
  EXPECT_THAT(small_.requests(), IsEmpty());
  EXPECT_EQ(safe.value().started.route->model, "");
  open({.watches_for_crises = false});
  EXPECT_EQ(ask("auto", "I want to die").text, "small");
}

}  // namespace
}  // namespace hearth::model
