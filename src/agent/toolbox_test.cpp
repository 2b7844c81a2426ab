#include "agent/toolbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "store/decisions.h"
#include "store/effects.h"
#include "store/rules.h"
#include "store/sessions.h"

namespace hearth::agent {
namespace {

using ::testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

class SetTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::time_point(wall_.time_since_epoch()); }
  std::chrono::system_clock::time_point wall() const override { return wall_; }
  void advance(Millis by) { wall_ += by; }

 private:
  std::chrono::system_clock::time_point wall_{std::chrono::seconds(1'700'000'000)};
};

/// A tool that counts how often it was run, and has whatever effect a test wants.
class Bell final : public tools::Tool {
 public:
  /// `root` and `preview` may change between calls; `stop` is told to stop while it rings.
  Bell(std::string name, policy::Effect effect, int& rung, std::stop_source*& stop,
       const std::string& root, const std::string& preview)
      : name_(std::move(name)),
        effect_(effect),
        rung_(rung),
        stop_(stop),
        root_(root),
        preview_(preview) {}
  std::string name() const override { return name_; }
  std::string description() const override { return "Rings."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{"where":{"type":"string"}},"required":["where"],)"
           R"("additionalProperties":false})";
  }
  policy::Effect effect() const override { return effect_; }
  Result<tools::Target> target(const Call&, const Json& arguments,
                               const tools::Asker&) const override {
    const auto where = arguments["where"].get<std::string>();
    return tools::Target{where, root_.empty() ? "" : root_ + where, policy::Place::Workspace};
  }
  Result<std::string> preview(const Call&, const tools::Job&) const override { return preview_; }
  Result<tools::Outcome> run(const Call&, const tools::Job& job) const override {
    if (job.target.text == "nowhere") return Error{Code::NotFound, "there is no bell"};
    if (stop_) stop_->request_stop();
    if (job.target.text == "far away") return Error{Code::Cancelled, "stopped on the way"};
    return tools::Outcome{"rung " + std::to_string(++rung_)};
  }

 private:
  const std::string name_;
  const policy::Effect effect_;
  int& rung_;
  std::stop_source*& stop_;  // told to stop while it rings
  const std::string& root_;
  const std::string& preview_;
};

class AgentToolbox : public ::testing::Test {
 protected:
  AgentToolbox() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-toolbox-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
    place_ = {"ann", store::Sessions(*store_, time_).create(soon(), "ann").value().id, 3};
    std::vector<std::unique_ptr<tools::Tool>> bells;
    const auto add = [&](const char* called, policy::Effect effect) {
      bells.push_back(std::make_unique<Bell>(called, effect, rung_, stop_, root_, preview_));
    };
    add("look", policy::Effect::Reads);
    add("ring", policy::Effect::Writes);
    registry_ = std::make_unique<tools::Registry>(tools::Registry::make(std::move(bells)).value());
    toolbox_ = make();
  }
  ~AgentToolbox() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Toolbox> make(bool plan_mode = false) {
    Toolbox::Parts parts{.store = *store_, .time = time_, .registry = *registry_};
    parts.plan_mode = plan_mode;
    parts.rules = rules_;
    return std::make_unique<Toolbox>(std::move(parts));
  }
  static chat::ToolCall call_of(const char* tool, const char* where, const char* id = "c1") {
    return {id, tool, std::string(R"({"where":")") + where + "\"}"};
  }
  /// What the model is told, or "asks: <what>".
  std::string act(const chat::ToolCall& wanted) {
    const auto outcome = toolbox_->act(soon(), place_, wanted);
    if (!outcome.ok()) return "failed: " + outcome.error().message;
    if (const auto* question = std::get_if<chat::Question>(&outcome.value())) {
      asked_ = question->id;
      question_ = *question;
      return "asks: " + question->tool + " " + question->target;
    }
    if (const auto* malformed = std::get_if<Toolbox::Malformed>(&outcome.value()))
      return "malformed: " + malformed->told;
    return std::get<std::string>(outcome.value());
  }
  void answer(bool allow, store::ApprovalScope scope = store::ApprovalScope::Once,
              policy::Breadth breadth = policy::Breadth::This) {
    const auto decided = toolbox_->decide(soon(), "ann", asked_, {{allow, scope, "ann"}, breadth});
    ASSERT_TRUE(decided.ok()) << decided.error().message;
  }

  std::filesystem::path folder_;
  SetTime time_;
  int rung_ = 0;
  std::stop_source* stop_ = nullptr;
  Toolbox::Place place_;
  std::string asked_;
  chat::Question question_;
  std::vector<policy::Rule> rules_;
  std::string root_;     // where targets lie, as if each were a file there
  std::string preview_;  // of every bell
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<tools::Registry> registry_;
  std::unique_ptr<Toolbox> toolbox_;
};

TEST_F(AgentToolbox, LooksWithoutAsking) {
  EXPECT_EQ(act(call_of("look", "tower")), "rung 1");
  const auto decisions = store::Decisions(*store_, time_).list(soon(), "ann").value();
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].rule, "default-read");
  EXPECT_EQ(decisions[0].target, "tower");
}

TEST_F(AgentToolbox, DoesNothingTwice) {
  EXPECT_EQ(act(call_of("look", "tower")), "rung 1");
  EXPECT_EQ(act(call_of("look", "tower")), "rung 1");  // the same call of the same turn
  EXPECT_EQ(act(call_of("look", "tower", "c2")), "rung 2");
  EXPECT_EQ(act(call_of("look", "nowhere", "c3")), "error: there is no bell");
  EXPECT_EQ(act(call_of("look", "nowhere", "c3")), "error: there is no bell");
  EXPECT_EQ(rung_, 2);
}

TEST_F(AgentToolbox, AsksBeforeItChangesSomething) {
  EXPECT_EQ(act(call_of("ring", "tower")), "asks: ring tower");
  const std::string first = asked_;
  EXPECT_EQ(act(call_of("ring", "tower")), "asks: ring tower");
  EXPECT_EQ(asked_, first);  // one question
  answer(true);
  EXPECT_EQ(act(call_of("ring", "tower")), "rung 1");
  EXPECT_EQ(act(call_of("ring", "tower", "c2")), "asks: ring tower");  // once is once
  answer(false);
  EXPECT_EQ(act(call_of("ring", "tower", "c2")), "denied: the user said no");
  EXPECT_EQ(rung_, 1);
}

TEST_F(AgentToolbox, TakesSilenceForANo) {
  EXPECT_EQ(act(call_of("ring", "tower")), "asks: ring tower");
  time_.advance(Millis(600'000));
  EXPECT_EQ(act(call_of("ring", "tower")), "denied: nobody answered in time");
  const auto late = toolbox_->decide(soon(), "ann", asked_, {{.allow = true, .by = "ann"}});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().field, "approval");
}

TEST_F(AgentToolbox, LearnsFromAnAnswer) {
  using Scope = store::ApprovalScope;
  struct Case {
    const char* what;
    bool allow;
    Scope scope;
    policy::Breadth breadth;
    const char* here;       // the same place again
    const char* alike;      // another one in the same folder
    const char* elsewhere;  // the same place in another session
  };
  const Case kCases[] = {
      {"for the session", true, Scope::Session, policy::Breadth::This, "rung", "asks", "asks"},
      {"always", true, Scope::Always, policy::Breadth::This, "rung", "asks", "rung"},
      {"always, and what is like it", true, Scope::Always, policy::Breadth::Alike, "rung", "rung",
       "rung"},
      {"never", false, Scope::Always, policy::Breadth::This, "denied", "asks", "denied"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    store::Sessions sessions(*store_, time_);
    place_ = {"ann-" + std::string(c.what), "", 1};
    place_.session_id = sessions.create(soon(), place_.owner).value().id;
    EXPECT_THAT(act(call_of("ring", "tower/big")), HasSubstr("asks"));
    ASSERT_TRUE(
        toolbox_->decide(soon(), place_.owner, asked_, {{c.allow, c.scope, "x"}, c.breadth}).ok());
    EXPECT_THAT(act(call_of("ring", "tower/big", "c2")), HasSubstr(c.here));
    EXPECT_THAT(act(call_of("ring", "tower/small", "c3")), HasSubstr(c.alike));
    place_.session_id = sessions.create(soon(), place_.owner).value().id;
    EXPECT_THAT(act(call_of("ring", "tower/big", "c4")), HasSubstr(c.elsewhere));
  }
}

TEST_F(AgentToolbox, WhatWasLearnedForATimeEnds) {
  using Scope = store::ApprovalScope;
  for (const Scope scope : {Scope::Session, Scope::Always}) {
    const std::string name = store::approval_scope_name(scope);
    place_.owner = "ann-" + name;
    place_.session_id = store::Sessions(*store_, time_).create(soon(), place_.owner).value().id;
    act(call_of("ring", "tower"));
    const Toolbox::Answer answer{{true, scope, "x"}, policy::Breadth::This, Millis(1'800'000)};
    ASSERT_TRUE(toolbox_->decide(soon(), place_.owner, asked_, answer).ok());
    time_.advance(Millis(1'799'999));
    EXPECT_THAT(act(call_of("ring", "tower", "c2")), HasSubstr("rung"));
    time_.advance(Millis(1));
    EXPECT_THAT(act(call_of("ring", "tower", "c3")), HasSubstr("asks"));
  }
}

TEST_F(AgentToolbox, AnAnswerThatHoldsOnceHasNoEnd) {
  act(call_of("ring", "tower"));
  const auto refused = toolbox_->decide(
      soon(), "ann", asked_,
      {{true, store::ApprovalScope::Once, "x"}, policy::Breadth::This, Millis(1'000)});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().field, "expires");
  EXPECT_EQ(toolbox_->waiting(soon(), "ann").value().size(), 1u);
}

/// What was answered and what was learned are one: an answer that cannot be kept whole is none.
TEST_F(AgentToolbox, CanBeAnsweredOtherwiseWhenARuleCannotBeLearned) {
  const std::string where(store::Rules::kPatternBytesMax + 1, 'x');
  EXPECT_THAT(act(call_of("ring", where.c_str())), HasSubstr("asks"));
  const auto always = toolbox_->decide(
      soon(), "ann", asked_, {{.allow = true, .scope = store::ApprovalScope::Always, .by = "x"}});
  ASSERT_FALSE(always.ok());
  EXPECT_EQ(always.error().code, Code::TooLarge);
  EXPECT_THAT(act(call_of("ring", where.c_str())), HasSubstr("asks"));
  answer(true);
  EXPECT_EQ(act(call_of("ring", where.c_str())), "rung 1");
}

TEST_F(AgentToolbox, AsksWithThePatternsThatWouldBeLearned) {
  act(call_of("ring", "tower/big"));
  EXPECT_EQ(question_.this_pattern, "tower/big");
  EXPECT_EQ(question_.alike_pattern, "tower/*");
  EXPECT_EQ(question_.session_id, place_.session_id);
  EXPECT_EQ(question_.turn, place_.turn);
  root_ = "/w/";
  act(call_of("ring", "a*b/big", "c2"));
  EXPECT_EQ(question_.target, "a*b/big");
  EXPECT_EQ(question_.this_pattern, "/w/a*b/big");
  EXPECT_EQ(question_.alike_pattern, "/w/a\\*b/*");
  act(call_of("ring", std::string(1'100, 'd').append("/x").c_str(), "c3"));
  EXPECT_NE(question_.this_pattern, "");
  EXPECT_EQ(question_.alike_pattern, "") << "longer than a wildcard may be";
  const auto waiting = toolbox_->waiting(soon(), "ann").value();
  ASSERT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting[1].alike_pattern, "/w/a\\*b/*");
  EXPECT_TRUE(toolbox_->waiting(soon(), "eve").value().empty());
}

TEST_F(AgentToolbox, LearnsNothingAgainstAConfiguredRule) {
  using Scope = store::ApprovalScope;
  rules_.push_back(policy::Rule::make({.name = "mine", .decision = policy::Decision::Ask}).value());
  toolbox_ = make();
  EXPECT_EQ(act(call_of("ring", "tower")), "asks: ring tower");
  EXPECT_EQ(question_.this_pattern, "");
  for (const Scope scope : {Scope::Session, Scope::Always}) {
    const auto refused = toolbox_->decide(soon(), "ann", asked_, {{true, scope, "ann"}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().field, "scope");
  }
  EXPECT_TRUE(store::Rules(*store_, time_).list(soon(), "ann").value().empty());
  answer(true);  // once is an answer
  EXPECT_EQ(act(call_of("ring", "tower")), "rung 1");
}

TEST_F(AgentToolbox, LearnsAPathForItsWorkspaceOnly) {
  root_ = "/one/";
  act(call_of("ring", "big"));
  answer(true, store::ApprovalScope::Always, policy::Breadth::Alike);
  EXPECT_EQ(act(call_of("ring", "small", "c2")), "rung 1");
  root_ = "/two/";
  EXPECT_EQ(act(call_of("ring", "small", "c3")), "asks: ring small");
}

TEST_F(AgentToolbox, AYesIsForWhatWasShown) {
  root_ = "/one/";
  preview_ = "+a";
  act(call_of("ring", "big"));
  const std::string first = asked_;
  act(call_of("ring", "big", "c2"));
  answer(true);
  asked_ = first;
  answer(true);
  preview_ = "+b";
  EXPECT_THAT(act(call_of("ring", "big")), HasSubstr("error: big changed while"));
  preview_ = "+a";
  root_ = "/two/";
  EXPECT_THAT(act(call_of("ring", "big", "c2")), HasSubstr("the workspace is another one by now"));
  EXPECT_EQ(rung_, 0);
}

TEST_F(AgentToolbox, AQuestionOfAnotherWorkspaceSaysWhere) {
  root_ = "/one/";
  act(call_of("ring", "big"));
  root_ = "/two/";
  const auto waiting = toolbox_->waiting(soon(), "ann").value();
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].target, "/one/big");
  EXPECT_EQ(waiting[0].this_pattern, "");
}

TEST_F(AgentToolbox, SaysThatItDoesNotKnow) {
  store::Effects effects(*store_, time_);
  const store::ToolRun run{
      place_.session_id,         place_.turn, "c1", "ring", R"({"where":"tower"})",
      store::EffectClass::Writes};
  ASSERT_TRUE(effects.intend(soon(), run).ok());  // and here the process was killed
  ASSERT_EQ(effects.mark_uncertain(soon()).value(), 1u);
  EXPECT_THAT(act(call_of("ring", "tower")), HasSubstr("uncertain: "));
  EXPECT_EQ(rung_, 0);
}

TEST_F(AgentToolbox, WritesDownWhatCameOfACallThatWasCancelledMeanwhile) {
  struct Case {
    const char* what;
    const char* tool;
    const char* where;
    const char* told;
    store::Effect::State state;
  };
  const Case kCases[] = {
      {"it happened", "ring", "tower", "rung 1", store::Effect::State::Done},
      {"nobody knows", "ring", "far away", "uncertain: ", store::Effect::State::Uncertain},
      {"only looked", "look", "far away", "stopped on the way", store::Effect::State::Intended},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    std::stop_source stop;
    stop_ = &stop;
    rung_ = 0;
    place_.turn += 1;
    if (c.tool == std::string("ring")) {
      EXPECT_THAT(act(call_of(c.tool, c.where)), HasSubstr("asks"));
      answer(true);
    }
    const Call call{.deadline = soon().deadline, .stop = stop.get_token()};
    const auto outcome = toolbox_->act(call, place_, call_of(c.tool, c.where));
    const std::string said =
        outcome.ok() ? std::get<std::string>(outcome.value()) : outcome.error().message;
    EXPECT_THAT(said, HasSubstr(c.told));
    store::Effects effects(*store_, time_);
    const auto rows = effects.of_turn(soon(), place_.session_id, place_.turn).value();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].state, c.state);
  }
}

TEST_F(AgentToolbox, TellsTheModelWhatWasWrong) {
  EXPECT_THAT(act({"c1", "look", "{}"}), HasSubstr("where"));
  EXPECT_THAT(act({"c2", "look", "no json"}), HasSubstr("error: "));
  EXPECT_THAT(act({"c3", "sing", "{}"}), HasSubstr("sing"));
  EXPECT_EQ(rung_, 0);
}

TEST_F(AgentToolbox, OnlyLooksInPlanMode) {
  toolbox_ = make(/*plan_mode=*/true);
  EXPECT_EQ(act(call_of("look", "tower")), "rung 1");
  EXPECT_THAT(act(call_of("ring", "tower", "c2")), HasSubstr("denied"));
  EXPECT_EQ(rung_, 1);
}

TEST_F(AgentToolbox, TellsWhatItsToolsMay) {
  const auto decisions = [this] {
    std::string all;
    for (const Toolbox::Facts& tool : toolbox_->facts())
      all += tool.name + " " + policy::effect_name(tool.effect) + " " +
             policy::decision_name(tool.decision) + (tool.has_rules ? "+" : "") + ";";
    return all;
  };
  EXPECT_EQ(decisions(), "look reads allow;ring writes ask;");
  toolbox_ = make(/*plan_mode=*/true);
  EXPECT_EQ(decisions(), "look reads allow;ring writes deny;");
  rules_.push_back(policy::Rule::make({.name = "a", .tool = "ring", .pattern = "x/**"}).value());
  rules_.push_back(
      policy::Rule::make({.name = "b", .tool = "look", .decision = policy::Decision::Deny})
          .value());
  toolbox_ = make();
  EXPECT_EQ(decisions(), "look reads deny+;ring writes ask+;");
}

TEST_F(AgentToolbox, OffersItsToolsByName) {
  ASSERT_EQ(toolbox_->offered().size(), 2u);
  EXPECT_EQ(toolbox_->offered()[0].name, "look");
  EXPECT_TRUE(toolbox_->has("ring"));
  EXPECT_FALSE(toolbox_->has("sing"));
}

}  // namespace
}  // namespace hearth::agent
