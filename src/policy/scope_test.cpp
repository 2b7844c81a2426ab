#include "policy/scope.h"

#include <gtest/gtest.h>

namespace hearth::policy {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

TEST(ParseScope, Table) {
  using Kind = Scope::Kind;
  struct Case {
    const char* text;
    std::optional<Kind> kind;
    std::int64_t length_ms;
  };
  const Case kCases[] = {
      {"once", Kind::Once, 0},       {"session", Kind::Session, 0}, {"always", Kind::Always, 0},
      {"30m", Kind::For, 1'800'000}, {"1s", Kind::For, 1'000},      {"24h", Kind::For, 86'400'000},
      {"999ms", std::nullopt, 0},    {"0s", std::nullopt, 0},       {"25h", std::nullopt, 0},
      {"", std::nullopt, 0},         {"Once", std::nullopt, 0},     {"-5m", std::nullopt, 0},
      {"forever", std::nullopt, 0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_scope(c.text);
    ASSERT_EQ(got.ok(), c.kind.has_value());
    if (!got.ok()) {
      EXPECT_EQ(got.error().field, "scope");
      continue;
    }
    EXPECT_EQ(got.value().kind, *c.kind);
    EXPECT_EQ(got.value().length.count(), c.length_ms);
    EXPECT_EQ(parse_scope(scope_name(got.value())).value().kind, *c.kind);
  }
}

TEST(ParseHold, TakesATimeWithinItsBounds) {
  EXPECT_EQ(parse_hold("1s", "expires").value(), Millis(1'000));
  EXPECT_EQ(parse_hold("24h", "expires").value(), Millis(86'400'000));
  for (const char* text :
       {"", "999ms", "86401s", "-1m", "30", "30 m", "always", "1e3s", "99999999999999999999h"}) {
    SCOPED_TRACE(text);
    const auto got = parse_hold(text, "expires");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, "expires");
    EXPECT_EQ(got.error().message, "expires: a time from 1s to 24h is required, such as 30m");
  }
}

Action writes(const std::string& target) {
  return {
      .tool = "write_file", .effect = Effect::Writes, .target = target, .place = Place::Workspace};
}

TEST(AlikePattern, Table) {
  struct Case {
    Action action;
    const char* pattern;
  };
  const Case kCases[] = {
      {writes("a.txt"), "*"},
      {writes("src/a.txt"), "src/*"},
      {writes("s*c/a.txt"), "s\\*c/*"},
      {{.tool = "shell", .effect = Effect::Runs, .target = "git log -1"}, "git **"},
      {{.tool = "shell", .effect = Effect::Runs, .target = "ls"}, "ls"},
      {{.tool = "fetch", .effect = Effect::Sends, .target = "a.example"}, "a.example"},
  };
  for (const Case& c : kCases) EXPECT_EQ(alike_pattern(c.action), c.pattern);
}

TEST(LearnedRule, AnswersWhatWasAsked) {
  const Moment moment{.now_ms = kNow, .session = "sess_a"};
  const Action action = writes("src/a.txt");
  ASSERT_EQ(decide({}, action, moment).decision, Decision::Ask);
  EXPECT_FALSE(learned_rule({}, Breadth::This, action, moment));
  struct Case {
    const char* scope;
    Breadth breadth;
    bool this_now, other_file, other_session, later;
  };
  const Case kCases[] = {
      {"always", Breadth::This, true, false, true, true},
      {"always", Breadth::Alike, true, true, true, true},
      {"session", Breadth::This, true, false, false, true},
      {"30m", Breadth::Alike, true, true, true, false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.scope);
    const auto text = learned_rule(parse_scope(c.scope).value(), c.breadth, action, moment);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->origin, Origin::Learned);
    const std::vector<Rule> rules = {Rule::make(*text).value()};
    const auto allowed = [&](const Action& what, const Moment& when) {
      return decide(rules, what, when).decision == Decision::Allow;
    };
    EXPECT_EQ(allowed(action, moment), c.this_now);
    EXPECT_EQ(allowed(writes("src/b.txt"), moment), c.other_file);
    EXPECT_FALSE(allowed(writes("src/deep/b.txt"), moment));
    EXPECT_EQ(allowed(action, {kNow, "sess_b"}), c.other_session);
    EXPECT_EQ(allowed(action, {kNow + 1'800'000, "sess_a"}), c.later);
    Action other_tool = action;
    other_tool.tool = "edit_file";
    EXPECT_FALSE(allowed(other_tool, moment));
  }
}

TEST(LearnedRule, NamesAreBounded) {
  const auto text = learned_rule({.kind = Scope::Kind::Always}, Breadth::This,
                                 writes(std::string(2'000, 'x')), {});
  ASSERT_TRUE(text);
  EXPECT_TRUE(Rule::make(*text).ok());
  EXPECT_EQ(text->name.size(), Rule::kNameBytesMax);
}

}  // namespace
}  // namespace hearth::policy
