#include "store/decisions.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::soon;

class DecisionsTest : public testing::StoreFixture {
 protected:
  Decisions decisions() { return {*store_, time_}; }
  std::int64_t recorded(const Decision& decision) {
    return decisions().record(soon(), decision).value();
  }
  std::vector<std::int64_t> listed(const std::optional<std::string>& session = {},
                                   std::size_t count = 10,
                                   const std::optional<std::int64_t>& before = {}) {
    std::vector<std::int64_t> ids;
    const auto all = decisions().list(soon(), "ann", session, count, before).value();
    for (const Decision& one : all) ids.push_back(one.id);
    return ids;
  }
};

TEST_F(DecisionsTest, AreKeptInOrderAndOutliveTheirSession) {
  const std::string session = new_session();
  const auto first = recorded({.owner = "ann",
                               .session_id = session,
                               .turn = 4,
                               .tool = "write_file",
                               .target = "notes.md",
                               .what = Decision::What::Ask,
                               .rule = "writes ask"});
  const auto second = recorded({.owner = "ann", .session_id = "other", .tool = "x"});
  recorded({.owner = "bob", .session_id = "b", .tool = "x"});
  ASSERT_TRUE(Sessions(*store_, time_).remove(soon(), "ann", session).ok());
  reopen();
  EXPECT_THAT(listed(), ElementsAre(second, first));
  EXPECT_THAT(listed(session), ElementsAre(first));
  EXPECT_THAT(listed({}, 1), ElementsAre(second));
  EXPECT_THAT(listed({}, 10, second), ElementsAre(first));
  EXPECT_THAT(listed({}, 10, first), IsEmpty());
  const Decision found = decisions().list(soon(), "ann", session).value()[0];
  EXPECT_EQ(found.turn, 4u);
  EXPECT_EQ(found.tool, "write_file");
  EXPECT_EQ(found.target, "notes.md");
  EXPECT_EQ(found.what, Decision::What::Ask);
  EXPECT_EQ(found.rule, "writes ask");
  EXPECT_EQ(found.created_ms, time_.ms());
}

TEST_F(DecisionsTest, AreNeverChanged) {
  recorded({.owner = "ann", .session_id = "a", .tool = "x"});
  const auto changed = store_->writer().write(
      soon(), Writer::Durability::Normal, [](Database& database) -> Result<void> {
        return database.run("UPDATE decisions SET decision = 'allow';");
      });
  ASSERT_FALSE(changed.ok());
  EXPECT_THAT(changed.error().message, HasSubstr("never changed"));
}

TEST_F(DecisionsTest, TextsAreCutInsideTheirBounds) {
  const std::size_t names = Decisions::kNameBytesMax, texts = Decisions::kTextBytesMax;
  recorded({.owner = "ann",
            .session_id = "a",
            .tool = std::string(names, 't'),
            .target = std::string(texts, 'x'),
            .rule = std::string(names - 1, 'r') + "\xc3\xbc"});  // not inside a character
  const Decision found = decisions().list(soon(), "ann").value()[0];
  EXPECT_EQ(found.tool.size(), names);
  EXPECT_EQ(found.target.size(), texts);
  EXPECT_EQ(found.rule, std::string(names - 1, 'r'));
}

}  // namespace
}  // namespace hearth::store
