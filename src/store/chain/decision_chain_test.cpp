#include "store/chain/decision_chain.h"

#include "store/check.h"
#include "store/decisions.h"
#include "store/retention.h"
#include "store/schema/migrations.h"
#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::soon;

class DecisionChainTest : public testing::StoreFixture {
 protected:
  void record(int count) {
    for (int i = 0; i < count; ++i) {
      time_.advance(Millis(1));
      ASSERT_TRUE(Decisions(*store_, time_)
                      .record(soon(), {.owner = "ann",
                                       .session_id = "s",
                                       .tool = "write_file",
                                       .target = "notes.md",
                                       .what = Decision::What::Deny,
                                       .rule = "writes ask"})
                      .ok());
    }
  }
  std::vector<std::string> altered() { return check(folder_ / "hearth.db").value().altered; }
  /// As somebody would who has the file and a tool for it.
  void tamper(const std::string& sql) { run("DROP TRIGGER IF EXISTS decisions_changed;" + sql); }
};

TEST_F(DecisionChainTest, HoldsOverRestarts) {
  EXPECT_THAT(altered(), IsEmpty());
  record(3);
  reopen();
  record(2);
  EXPECT_THAT(altered(), IsEmpty());
  EXPECT_EQ(number("SELECT count(DISTINCT hash) FROM decisions WHERE length(hash) = 64"), 5);
}

TEST_F(DecisionChainTest, EveryColumnOfARowIsPartOfIt) {
  for (const char* change :
       {"owner = 'bob'", "session_id = 't'", "turn = 1", "tool = 'x'", "target = 'notes.m'",
        "decision = 'allow'", "rule = ''", "created_ms = created_ms + 1"}) {
    SCOPED_TRACE(change);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    reopen();
    record(4);
    tamper(std::string("UPDATE decisions SET ") + change + " WHERE id = 2;");
    EXPECT_THAT(altered(), ElementsAre("decision 2 is not what was recorded"));
  }
}

TEST_F(DecisionChainTest, ARowWhoseHashWasMadeToFitLeavesTheNextOneWithout) {
  record(3);
  tamper("UPDATE decisions SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 1;");
  EXPECT_THAT(altered(), ElementsAre("decision 1 is not what was recorded",
                                     "decision 2 is not what was recorded"));
}

TEST_F(DecisionChainTest, WhatIsGoneIsNamedWhereverItWas) {
  record(9);
  run("DELETE FROM decisions WHERE id IN (1, 4, 5, 9);");
  EXPECT_THAT(altered(),
              ElementsAre("decision 1 is gone", "decisions 4 to 5 are gone", "decision 9 is gone"));
  run("DELETE FROM decisions;");
  EXPECT_THAT(altered(), ElementsAre("decisions 1 to 9 are gone"));
}

TEST_F(DecisionChainTest, TheListOfFaultsIsBounded) {
  record(static_cast<int>(kFaultsMax) + 1);
  tamper("UPDATE decisions SET target = 'x';");
  EXPECT_EQ(altered().size(), kFaultsMax);
}

TEST_F(DecisionChainTest, RetentionTakesTheOldestAndTheRestStillHolds) {
  const auto sweep = [this](const Keep& keep) {
    RetentionLimits limits;
    limits.decisions = keep;
    return Retention(*store_, time_).sweep(soon(), limits).value().rows;
  };
  record(6);
  EXPECT_EQ(sweep({hours(1), 4}), 2u);
  EXPECT_THAT(altered(), IsEmpty());
  time_.advance(hours(2));
  record(1);
  EXPECT_EQ(sweep({hours(1), 4}), 4u);
  EXPECT_THAT(altered(), IsEmpty());
  EXPECT_EQ(sweep({hours(1), 0}), 1u);  // none is left
  EXPECT_THAT(altered(), IsEmpty());
  record(2);
  EXPECT_THAT(altered(), IsEmpty());
  EXPECT_EQ(number("SELECT min(id) FROM decisions"), 8);
  tamper("UPDATE decisions SET target = 'x' WHERE id = 8;");
  EXPECT_THAT(altered(), ElementsAre("decision 8 is not what was recorded"));
}

TEST_F(DecisionChainTest, AClockThatWasSetBackLeavesNoHole) {
  record(1);
  time_.advance(-hours(48));
  record(2);  // older by their time, but behind it
  time_.advance(hours(49));
  RetentionLimits limits;
  limits.decisions.age_max = hours(24);
  EXPECT_EQ(Retention(*store_, time_).sweep(soon(), limits).value().rows, 0u);
  time_.advance(hours(24));
  EXPECT_EQ(Retention(*store_, time_).sweep(soon(), limits).value().rows, 3u);
  EXPECT_THAT(altered(), IsEmpty());
}

/// A file of schema 3 has decisions without a hash; the chain begins behind them.
TEST_F(DecisionChainTest, WhatWasThereBeforeIsNoPartOfIt) {
  store_.reset();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  const std::string path = folder_ / "hearth.db";
  {
    Database database = Database::open(path, Database::Mode::Write).value();
    ASSERT_TRUE(migrate(database, path, migrations().first(3)).ok());
    for (int i = 0; i < 3; ++i)
      ASSERT_TRUE(database
                      .run("INSERT INTO decisions (owner, session_id, turn, tool, target, "
                           "decision, rule, created_ms) VALUES ('a', 's', 0, 't', '', 'ask', "
                           "'', 0);")
                      .ok());
  }
  EXPECT_THAT(altered(), IsEmpty());  // read as it is
  reopen();
  record(2);
  EXPECT_THAT(altered(), IsEmpty());
  RetentionLimits limits;
  limits.decisions.rows_max = 4;
  EXPECT_EQ(Retention(*store_, time_).sweep(soon(), limits).value().rows, 3u);  // by age
  EXPECT_THAT(altered(), IsEmpty());
  tamper("UPDATE decisions SET hash = '' WHERE id = 4;");
  EXPECT_THAT(altered(), ElementsAre("decision 4 is not what was recorded",
                                     "decision 5 is not what was recorded"));
}

}  // namespace
}  // namespace hearth::store
