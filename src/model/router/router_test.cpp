#include "model/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/fake_model.h"
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
  EXPECT_EQ(&router_->find("auto")->choose([] { return saying("Hi"); }), &small_);
  EXPECT_EQ(&small_.choose([] { return saying(kDemanding); }), &small_);
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
  EXPECT_THAT(open_still.route->passed_over, IsEmpty());  // it was not even asked
  time_.pass(Millis(60'000));
  EXPECT_EQ(ask("auto", "What is it?").text, "small");
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
