#include "store/journal.h"

#include "store/inspect.h"
#include "store/retention.h"
#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::IsEmpty;
using testing::soon;

class JournalTest : public testing::StoreFixture {
 protected:
  JournalTest() : session_(new_session()) {}
  Journal journal() { return {*store_, time_}; }
  JournalRow row(std::uint32_t round, const std::string& answer = "answer") const {
    return {.session_id = session_,
            .turn = 7,
            .round = round,
            .inputs_digest = "inputs",
            .details = R"({"seed": 1})",
            .answer_digest = answer};
  }

  const std::string session_;
};

TEST_F(JournalTest, TheRoundsOfATurnComeBackInOrder) {
  ASSERT_TRUE(journal().add(soon(), row(1)).ok());
  ASSERT_TRUE(journal().add(soon(), row(0)).ok());
  reopen();
  const auto rows = journal().list(soon(), session_, 7).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].round, 0u);
  EXPECT_EQ(rows[1].round, 1u);
  EXPECT_EQ(rows[0].turn, 7u);
  EXPECT_EQ(rows[0].session_id, session_);
  EXPECT_EQ(rows[0].inputs_digest, "inputs");
  EXPECT_EQ(rows[0].details, R"({"seed": 1})");
  EXPECT_EQ(rows[0].answer_digest, "answer");
  EXPECT_EQ(rows[0].created_ms, time_.ms());
  EXPECT_THAT(journal().list(soon(), session_, 6).value(), IsEmpty());
  ASSERT_TRUE(Sessions(*store_, time_).remove(soon(), "ann", session_).ok());
  EXPECT_THAT(journal().list(soon(), session_, 7).value(), IsEmpty());
}

TEST_F(JournalTest, ATurnThatIsDoneAgainReplacesItsRounds) {
  ASSERT_TRUE(journal().add(soon(), row(0, "cut off")).ok());
  ASSERT_TRUE(journal().add(soon(), row(0, "whole")).ok());
  const auto rows = journal().list(soon(), session_, 7).value();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].answer_digest, "whole");
}

TEST_F(JournalTest, BoundsAreSaidWithTheirField) {
  const auto changed = [&](auto change) {
    JournalRow bad = row(0);
    change(bad);
    return journal().add(soon(), bad);
  };
  const std::string digest(Journal::kDigestBytesMax, 'd'), text(Journal::kDetailsBytesMax, 'x');
  const std::tuple<Result<void>, Code, const char*> kBad[] = {
      {changed([](JournalRow& r) { r.session_id = "none"; }), Code::NotFound, ""},
      {changed([&](JournalRow& r) { r.inputs_digest = digest + "d"; }), Code::TooLarge,
       "inputs_digest"},
      {changed([&](JournalRow& r) { r.answer_digest = digest + "d"; }), Code::TooLarge,
       "answer_digest"},
      {changed([&](JournalRow& r) { r.details = text + "x"; }), Code::TooLarge, "details"}};
  for (const auto& [got, code, field] : kBad) {
    ASSERT_FALSE(got.ok()) << field;
    EXPECT_EQ(got.error().code, code);
    EXPECT_EQ(got.error().field, field);
  }
  EXPECT_TRUE(changed([&](JournalRow& r) {
                r.inputs_digest = r.answer_digest = digest;
                r.details = text;
              }).ok());
}

TEST_F(JournalTest, WhatManyRowsHaveInCommonIsKeptOnce) {
  const JournalText rules{"d1", "be brief"}, tools{"d2", "[]"};
  ASSERT_TRUE(journal().add(soon(), row(0), {rules, tools}).ok());
  ASSERT_TRUE(journal().add(soon(), row(1), {rules}).ok());
  EXPECT_EQ(journal().text(soon(), "d1").value(), "be brief");
  EXPECT_EQ(journal().text(soon(), "d2").value(), "[]");
  EXPECT_FALSE(journal().text(soon(), "d3").value());
  EXPECT_EQ(rows_of(soon(), *store_, "SELECT count(*) FROM journal_texts").value().front(), "2");
  JournalText large{"d4", std::string(Journal::kTextBytesMax, 'x')};
  EXPECT_TRUE(journal().add(soon(), row(2), {large}).ok());
  large.text += "x";
  EXPECT_EQ(journal().add(soon(), row(2), {large}).error().field, "text");
}

TEST_F(JournalTest, TextsGoWithTheLastRowThatMayNameThem) {
  const RetentionLimits limits;
  ASSERT_TRUE(journal().add(soon(), row(0), {{"old", "a"}, {"both", "b"}}).ok());
  time_.advance(limits.journal.age_max - std::chrono::hours(1));
  ASSERT_TRUE(journal().add(soon(), row(1), {{"both", "b"}}).ok());
  Retention retention(*store_, time_);
  ASSERT_TRUE(retention.sweep(soon(), limits).ok());
  EXPECT_TRUE(journal().text(soon(), "old").value());
  time_.advance(std::chrono::hours(2));
  ASSERT_TRUE(retention.sweep(soon(), limits).ok());
  EXPECT_FALSE(journal().text(soon(), "old").value());
  EXPECT_TRUE(journal().text(soon(), "both").value());
  time_.advance(limits.journal.age_max);
  ASSERT_TRUE(retention.sweep(soon(), limits).ok());
  ASSERT_TRUE(journal().list(soon(), session_, 7).value().empty());
  EXPECT_FALSE(journal().text(soon(), "both").value());
}

}  // namespace
}  // namespace hearth::store
