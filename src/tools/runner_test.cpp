#include "tools/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/testing/folder.h"
#include "tools/workspace.h"

namespace hearth::tools {
namespace {

using ::testing::HasSubstr;
using Kind = Checked::Kind;

/// Writes nothing down but what it was asked.
class Echo final : public Tool {
 public:
  struct Traits {
    std::string name = "echo";
    std::string description = "Says it again.";
    std::string parameters =
        R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})";
    policy::Effect effect = policy::Effect::Writes;
    Result<std::string> preview = std::string("would say it");
  };
  explicit Echo(Traits traits) : traits_(std::move(traits)) {}
  std::string name() const override { return traits_.name; }
  std::string description() const override { return traits_.description; }
  std::string parameters() const override { return traits_.parameters; }
  policy::Effect effect() const override { return traits_.effect; }
  Result<Target> target(const Call&, const Json& arguments, const Asker& asker) const override {
    const auto text = arguments.value("text", "");
    if (text == "down") return Error{Code::Unavailable, "it is down"};
    if (text == "out") return Error{Code::Denied, "path: leads out", "path"};
    return Target{.text = asker.owner + ":" + text, .place = policy::Place::Workspace};
  }
  Result<std::string> preview(const Call&, const Job&) const override { return traits_.preview; }
  Result<Outcome> run(const Call&, const Job& job) const override {
    return Outcome{job.arguments.value("text", "")};
  }

 private:
  Traits traits_;
};

Result<Registry> registry_of(std::vector<Echo::Traits> all) {
  std::vector<std::unique_ptr<Tool>> tools;
  for (Echo::Traits& traits : all) tools.push_back(std::make_unique<Echo>(std::move(traits)));
  return Registry::make(std::move(tools));
}

TEST(Registry, RefusesWhatCannotBeOffered) {
  struct Case {
    Echo::Traits traits;
    const char* says;
  };
  const Case kCases[] = {
      {{.name = ""}, "name: 1 to 64"},
      {{.name = std::string(65, 'a')}, "name: 1 to 64"},
      {{.name = "a b"}, "name: 1 to 64"},
      {{.name = "caf\xc3\xa9"}, "name: 1 to 64"},
      {{.description = ""}, "tool \"echo\": description"},
      {{.description = "two\nlines"}, "one line"},
      {{.description = std::string(1'025, 'd')}, "1 to 1024"},
      {{.parameters = R"({"type":"object","$ref":"x"})"},
       "tool \"echo\": parameters.$ref: is not understood"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.says);
    const auto made = registry_of({c.traits});
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::InvalidInput);
    EXPECT_THAT(made.error().message, HasSubstr(c.says));
  }
  EXPECT_THAT(registry_of({{}, {}}).error().message, HasSubstr("is there twice"));
  std::vector<Echo::Traits> many(Registry::kToolsMax);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].name = "t" + std::to_string(i);
  EXPECT_TRUE(registry_of(many).ok());
  many.push_back({});
  EXPECT_EQ(registry_of(many).error().code, Code::TooLarge);
}

TEST(Registry, IsSortedAndFindsByName) {
  const Registry registry = registry_of({{.name = "b"}, {.name = "C-1"}, {.name = "a_2"}}).value();
  std::vector<std::string> names;
  for (const Registry::Entry& entry : registry.entries()) names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"C-1", "a_2", "b"}));
  EXPECT_EQ(registry.find("b")->name, "b");
  EXPECT_EQ(registry.find("c"), nullptr);
  ASSERT_EQ(registry.for_grammar().size(), 3u);
  EXPECT_EQ(registry.for_grammar()[0].parameters,
            R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})");
}

class RunnerTest : public ::testing::Test {
 protected:
  void make(Echo::Traits traits, std::size_t output_bytes_max = kOutputBytesMax) {
    registry_ = std::make_unique<Registry>(registry_of({std::move(traits)}).value());
    runner_ = std::make_unique<Runner>(*registry_, output_bytes_max);
  }
  Situation situation() const {
    return {.asker = {.owner = "ann"}, .rules = rules_, .moment = moment_};
  }
  Checked check(const std::string& arguments, const std::string& name = "echo") {
    return runner_->check(soon(), {"call_1", name, arguments}, situation()).value();
  }
  void rule(policy::Decision decision, const std::string& pattern = "**") {
    rules_.push_back(
        policy::Rule::make({.name = "mine", .pattern = pattern, .decision = decision}).value());
  }

  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Runner> runner_;
  std::vector<policy::Rule> rules_;
  policy::Moment moment_{.now_ms = 1};
};

TEST_F(RunnerTest, AsksAndRunsAfterAYes) {
  make({});
  const Checked checked = check(R"({"text":"hi"})");
  EXPECT_EQ(checked.kind, Kind::NeedsApproval);
  EXPECT_EQ(checked.preview, "would say it");
  EXPECT_EQ(checked.target.text, "ann:hi");
  EXPECT_EQ(checked.verdict.rule, "default-write");
  EXPECT_EQ(checked.action().tool, "echo");
  EXPECT_EQ(runner_->run(soon(), checked, situation()).error().code, Code::Denied);
  EXPECT_EQ(runner_->run(soon(), checked, situation(), Runner::Consent::Given).value().text, "hi");
}

TEST_F(RunnerTest, FollowsTheRules) {
  make({});
  rule(policy::Decision::Allow, "ann:*");
  EXPECT_EQ(check(R"({"text":"hi"})").kind, Kind::Allowed);
  EXPECT_EQ(runner_->run(soon(), check(R"({"text":"hi"})"), situation()).value().text, "hi");
  rule(policy::Decision::Deny, "*:no");
  const Checked denied = check(R"({"text":"no"})");
  EXPECT_EQ(denied.kind, Kind::Denied);
  EXPECT_EQ(denied.problem, "echo on ann:no is denied by the rule \"mine\"");
  EXPECT_EQ(runner_->run(soon(), denied, situation(), Runner::Consent::Given).error().code,
            Code::Denied);
  moment_.plan_mode = true;
  EXPECT_EQ(check(R"({"text":"hi"})").verdict.rule, "plan-mode");
}

TEST_F(RunnerTest, SaysWhatTheModelDidWrong) {
  make({});
  EXPECT_EQ(check("{}", "nosuch").problem, "there is no tool \"nosuch\"");
  EXPECT_EQ(check("{}", std::string(1'000, 'n')).kind, Kind::BadArguments);
  EXPECT_EQ(check("{}").problem, "arguments.text: required");
  EXPECT_EQ(check("{}").kind, Kind::BadArguments);
  EXPECT_EQ(runner_->run(soon(), check("{}"), situation(), Runner::Consent::Given).error().code,
            Code::Denied);
  const Checked out = check(R"({"text":"out"})");
  EXPECT_EQ(out.kind, Kind::Denied);
  EXPECT_EQ(out.verdict.rule, "out-of-bounds");
  EXPECT_EQ(runner_->check(soon(), {"", "echo", R"({"text":"down"})"}, situation()).error().code,
            Code::Unavailable);
}

TEST_F(RunnerTest, NobodyIsAskedAboutWhatWouldFail) {
  make({.preview = Error{Code::InvalidInput, "old: occurs 3 times", "old"}});
  EXPECT_EQ(check(R"({"text":"hi"})").kind, Kind::BadArguments);
  EXPECT_EQ(check(R"({"text":"hi"})").problem, "old: occurs 3 times");
}

TEST_F(RunnerTest, TheTargetMustBeTheOneThatWasAllowed) {
  make({});
  Checked checked = check(R"({"text":"hi"})");
  checked.arguments["text"] = "other";
  const auto run = runner_->run(soon(), checked, situation(), Runner::Consent::Given);
  EXPECT_EQ(run.error().code, Code::Denied);
  EXPECT_THAT(run.error().message, HasSubstr("ann:other"));
}

TEST_F(RunnerTest, OutputAndPreviewAreBounded) {
  make({.preview = std::string(100'000, 'p')}, 1'000);
  const Checked checked = check(R"({"text":")" + std::string(5'000, 'x') + "\"}");
  EXPECT_EQ(checked.preview.size(),
            Runner::kPreviewBytesMax - 64 + std::string("\n[truncated: 67296 bytes]").size());
  const auto outcome = runner_->run(soon(), checked, situation(), Runner::Consent::Given).value();
  EXPECT_LE(outcome.text.size(), 1'000u);
  EXPECT_THAT(outcome.text, HasSubstr("[truncated: 4064 bytes]"));
}

}  // namespace
}  // namespace hearth::tools
