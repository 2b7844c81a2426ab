#include "store/rules.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using testing::soon;

class RulesTest : public testing::StoreFixture {
 protected:
  Rules rules() { return {*store_, time_}; }
  static Rule rule(const std::string& pattern) {
    return {.owner = "ann", .tool = "write_file", .pattern = pattern};
  }
  std::int64_t added(const Rule& one) { return rules().add(soon(), one).value(); }
  std::vector<std::string> patterns(const std::optional<std::string>& session = {},
                                    const std::string& owner = "ann") {
    std::vector<std::string> found;
    const std::vector<Rule> all = rules().list(soon(), owner, session).value();
    for (const Rule& one : all) found.push_back(one.pattern);
    return found;
  }
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(RulesTest, WhatWasLearnedIsThereAfterARestart) {
  const std::string session = new_session();
  Rule taught = rule("src/**/*.cpp");
  taught.kind = Rule::Kind::Wildcard;
  taught.decision = Rule::Decision::Deny;
  taught.session_id = session;
  taught.expires_ms = time_.ms() + 5;
  const auto id = added(taught);
  reopen();
  const auto all = rules().list(soon(), "ann", session).value();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].id, id);
  EXPECT_EQ(all[0].tool, "write_file");
  EXPECT_EQ(all[0].kind, Rule::Kind::Wildcard);
  EXPECT_EQ(all[0].decision, Rule::Decision::Deny);
  EXPECT_EQ(all[0].pattern, "src/**/*.cpp");
  EXPECT_EQ(all[0].session_id, session);
  EXPECT_EQ(all[0].expires_ms, time_.ms() + 5);
  EXPECT_EQ(all[0].created_ms, time_.ms());
}

TEST_F(RulesTest, ASessionsRulesHoldThereAndAnOwnersEverywhere) {
  const std::string a = new_session(), b = new_session();
  Rule here = rule("here");
  here.session_id = a;
  added(here);
  added(rule("everywhere"));
  EXPECT_THAT(patterns(), ElementsAre("everywhere"));
  EXPECT_THAT(patterns(a), ElementsAre("here", "everywhere"));
  EXPECT_THAT(patterns(b), ElementsAre("everywhere"));
  EXPECT_THAT(patterns({}, "bob"), IsEmpty());
  here.session_id = new_session("bob");
  EXPECT_EQ(rules().add(soon(), here).error().code, Code::NotFound);
  ASSERT_TRUE(Sessions(*store_, time_).remove(soon(), "ann", a).ok());
  EXPECT_THAT(patterns(a), ElementsAre("everywhere"));
}

TEST_F(RulesTest, ExpiredOnesAreNotListed) {
  Rule brief = rule("brief");
  brief.expires_ms = time_.ms() + 10;
  added(brief);
  time_.advance(Millis(9));
  EXPECT_THAT(patterns(), ElementsAre("brief"));
  time_.advance(Millis(1));
  EXPECT_THAT(patterns(), IsEmpty());
  EXPECT_EQ(rules().add(soon(), brief).error().field, "expires");
}

TEST_F(RulesTest, TheSameRuleIsNotDoubled) {
  Rule brief = rule("a");
  brief.expires_ms = time_.ms() + 10;
  const auto id = added(brief);
  EXPECT_EQ(added(rule("a")), id);
  time_.advance(Millis(10));
  EXPECT_THAT(patterns(), ElementsAre("a"));  // no longer brief
  Rule denied = rule("a");
  denied.decision = Rule::Decision::Deny;
  EXPECT_NE(added(denied), id);
}

TEST_F(RulesTest, AnOwnerRemovesTheirOwn) {
  const auto id = added(rule("a"));
  EXPECT_EQ(rules().remove(soon(), "bob", id).error().code, Code::NotFound);
  EXPECT_TRUE(rules().remove(soon(), "ann", id).ok());
  EXPECT_EQ(rules().remove(soon(), "ann", id).error().code, Code::NotFound);
  EXPECT_NE(added(rule("a")), id);
}

TEST_F(RulesTest, BoundsAreSaidWithTheirField) {
  const auto of_tool = [](const std::string& tool) {
    Rule bad = rule("p");
    bad.tool = tool;
    return bad;
  };
  const std::string tool(Rules::kToolBytesMax, 't'), pattern(Rules::kPatternBytesMax, 'p');
  const std::tuple<Rule, Code, const char*> kBad[] = {
      {rule(""), Code::InvalidInput, "pattern"},
      {rule("\xff"), Code::InvalidInput, "pattern"},
      {rule(pattern + "p"), Code::TooLarge, "pattern"},
      {of_tool(""), Code::InvalidInput, "tool"},
      {of_tool(tool + "t"), Code::TooLarge, "tool"}};
  for (const auto& [bad, code, field] : kBad) {
    const auto refused = rules().add(soon(), bad);
    ASSERT_FALSE(refused.ok()) << field;
    EXPECT_EQ(refused.error().code, code);
    EXPECT_EQ(refused.error().field, field);
  }
  EXPECT_TRUE(rules().add(soon(), rule(pattern)).ok());
  EXPECT_TRUE(rules().add(soon(), of_tool(tool)).ok());
}

TEST_F(RulesTest, AsManyAreKeptAsAPersonCanOversee) {
  for (std::size_t i = 0; i < Rules::kRulesMax; ++i) added(rule(std::to_string(i)));
  EXPECT_EQ(rules().add(soon(), rule("one more")).error().code, Code::TooLarge);
  EXPECT_TRUE(rules().add(soon(), rule("0")).ok());
  Rule other = rule("one more");
  other.owner = "bob";
  EXPECT_TRUE(rules().add(soon(), other).ok());
}

}  // namespace
}  // namespace hearth::store
