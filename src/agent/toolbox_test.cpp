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
  Bell(std::string name, policy::Effect effect, int& rung)
      : name_(std::move(name)), effect_(effect), rung_(rung) {}
  std::string name() const override { return name_; }
  std::string description() const override { return "Rings."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{"where":{"type":"string"}},"required":["where"],)"
           R"("additionalProperties":false})";
  }
  policy::Effect effect() const override { return effect_; }
  Result<tools::Target> target(const Call&, const Json& arguments,
                               const tools::Asker&) const override {
    return tools::Target{arguments["where"].get<std::string>(), "", policy::Place::Workspace};
  }
  Result<tools::Outcome> run(const Call&, const tools::Job& job) const override {
    if (job.target.text == "nowhere") return Error{Code::NotFound, "there is no bell"};
    return tools::Outcome{"rung " + std::to_string(++rung_)};
  }

 private:
  const std::string name_;
  const policy::Effect effect_;
  int& rung_;
};

class AgentToolbox : public ::testing::Test {
 protected:
  AgentToolbox() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-toolbox-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
    place_ = {"ann", store::Sessions(*store_, time_).create(soon(), "ann").value().id, 3};
    std::vector<std::unique_ptr<tools::Tool>> bells;
    bells.push_back(std::make_unique<Bell>("look", policy::Effect::Reads, rung_));
    bells.push_back(std::make_unique<Bell>("ring", policy::Effect::Writes, rung_));
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
    return std::make_unique<Toolbox>(std::move(parts));
  }
  static chat::ToolCall call_of(const char* tool, const char* where, const char* id = "c1") {
    return {id, tool, std::string(R"({"where":")") + where + "\"}"};
  }
  /// What the model is told, or "asks: <what>".
  std::string act(const chat::ToolCall& wanted) {
    const auto outcome = toolbox_->act(soon(), place_, wanted);
    if (!outcome.ok()) return "failed: " + outcome.error().message;
    if (const auto* approval = std::get_if<store::Approval>(&outcome.value())) {
      asked_ = approval->id;
      return "asks: " + approval->asked.tool + " " + approval->asked.target;
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
  Toolbox::Place place_;
  std::string asked_;
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

TEST_F(AgentToolbox, SaysThatItDoesNotKnow) {
  store::Effects effects(*store_, time_);
  const store::ToolRun run{
      place_.session_id,         place_.turn, "c1", "ring", R"({"where":"tower"})",
      store::EffectClass::Writes};
  ASSERT_TRUE(effects.intend(soon(), run).ok());  // and here the process was killed
  ASSERT_EQ(effects.mark_uncertain(soon()).value().size(), 1u);
  EXPECT_THAT(act(call_of("ring", "tower")), HasSubstr("uncertain: "));
  EXPECT_EQ(rung_, 0);
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

TEST_F(AgentToolbox, OffersItsToolsByName) {
  ASSERT_EQ(toolbox_->offered().size(), 2u);
  EXPECT_EQ(toolbox_->offered()[0].name, "look");
  EXPECT_TRUE(toolbox_->has("ring"));
  EXPECT_FALSE(toolbox_->has("sing"));
}

}  // namespace
}  // namespace hearth::agent
