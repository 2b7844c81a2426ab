#include "store/retention.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using std::chrono::hours;
using testing::soon;

/// A kind, as its rows are written, and where its limits stand.
struct Kind {
  const char* table;
  const char* time;    // its column
  const char* insert;  // with %d for a number and %t for when it ended
  Keep RetentionLimits::*keep;
};

constexpr Kind kKinds[] = {
    {"inbox", "ended_ms",
     "INSERT INTO inbox (session_id, owner, digest, message, options, state, created_ms, ended_ms) "
     "VALUES ('s', 'ann', '', '{}', '{}', 'done', 0, %t);",
     &RetentionLimits::inbox},
    {"outbox", "ended_ms",
     "INSERT INTO outbox (session_id, destination, payload, key, state, next_attempt_ms, "
     "created_ms, ended_ms) VALUES ('s', 'd', '', '%d', 'acknowledged', 0, 0, %t);",
     &RetentionLimits::outbox},
    {"effects", "ended_ms",
     "INSERT INTO effects (session_id, turn, call_id, tool, arguments, class, state, created_ms, "
     "ended_ms) VALUES ('s', 0, '%d', 't', '{}', 'reads', 'done', 0, %t);",
     &RetentionLimits::effects},
    {"approvals", "decided_ms",
     "INSERT INTO approvals (id, session_id, owner, turn, call_id, tool, target, arguments, "
     "preview, state, created_ms, expires_ms, decided_ms) "
     "VALUES ('%d', 's', 'ann', 0, '%d', 't', '', '{}', '', 'denied', 0, 0, %t);",
     &RetentionLimits::approvals},
    {"decisions", "created_ms",
     "INSERT INTO decisions (owner, session_id, turn, tool, target, decision, rule, created_ms) "
     "VALUES ('ann', 's', 0, 't', '', 'deny', '', %t);",
     &RetentionLimits::decisions},
    {"journal", "created_ms",
     "INSERT INTO journal (session_id, turn, round, inputs_digest, details, answer_digest, "
     "created_ms) VALUES ('s', 0, %d, '', '{}', '', %t);",
     &RetentionLimits::journal},
    {"ledger", "ended_ms",
     "INSERT INTO ledger VALUES (NULL, 'settled', 0, %t, 'ann', '', 'chat', 'local', 'm', 0, 0, 0, "
     "0, 0, 0);",
     &RetentionLimits::ledger},
    {"responses", "ended_ms",
     "INSERT INTO responses VALUES ('%d', 'ann', NULL, 0, 'failed', '{}', '[]', 0, %t);",
     &RetentionLimits::responses}};

class RetentionTest : public testing::StoreFixture {
 protected:
  RetentionTest() { run("INSERT INTO sessions VALUES ('s', 'ann', NULL, NULL, 0, 0);"); }
  Swept sweep(const RetentionLimits& limits) {
    return Retention(*store_, time_).sweep(soon(), limits).value();
  }
  /// `count` rows that ended `age` ago, each a millisecond after the one before.
  void add(const Kind& kind, int count, Millis age) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      std::string one = kind.insert;
      const auto fill = [&one](const std::string& mark, const std::string& value) {
        for (auto at = one.find(mark); at != std::string::npos; at = one.find(mark))
          one.replace(at, mark.size(), value);
      };
      fill("%d", std::to_string(++last_));
      fill("%t", std::to_string(time_.ms() - age.count() + i));
      all += one;
    }
    run(all);
  }
  std::int64_t left(const Kind& kind) {
    return number(std::string("SELECT count(*) FROM ") + kind.table);
  }

  int last_ = 0;
};

TEST_F(RetentionTest, NothingGoesThatIsInsideItsLimits) {
  for (const Kind& kind : kKinds) add(kind, 3, hours(24 * 29));
  const Swept swept = sweep({});
  EXPECT_EQ(swept.rows, 0u);
  EXPECT_TRUE(swept.is_done);
}

TEST_F(RetentionTest, WhatIsTooOldGoes) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.table);
    RetentionLimits limits;
    (limits.*kind.keep).age_max = hours(48);
    add(kind, 1, hours(48) + Millis(1));
    add(kind, 1, hours(48));
    EXPECT_EQ(sweep(limits).rows, 1u);
    EXPECT_EQ(left(kind), 1);
  }
}

TEST_F(RetentionTest, OfTooManyTheOldestGo) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.table);
    if (kind.keep == &RetentionLimits::decisions) continue;  // in their order: see their chain
    RetentionLimits limits;
    (limits.*kind.keep).rows_max = 2;
    add(kind, 2, hours(1));
    EXPECT_EQ(sweep(limits).rows, 0u);
    add(kind, 1, hours(2));
    EXPECT_EQ(sweep(limits).rows, 1u);
    EXPECT_EQ(left(kind), 2);
    const std::string oldest = std::string("SELECT min(") + kind.time + ") FROM " + kind.table;
    EXPECT_EQ(number(oldest), time_.ms() - Millis(hours(1)).count());
  }
}

TEST_F(RetentionTest, WhatWasPaidThisMonthStaysWhateverIsFreeBesideIt) {
  const auto paid = [this](Millis age) {
    const std::string then = std::to_string(time_.ms() - age.count());
    run("INSERT INTO ledger VALUES (NULL, 'settled', " + then + ", " + then +
        ", 'ann', '', 'chat', 'p', 'm', 5, 0, 0, 0, 0, 0);");
  };
  paid(Retention::kPaidAgeMin);
  paid(Retention::kPaidAgeMin + Millis(1));
  const Kind& ledger = kKinds[6];
  ASSERT_STREQ(ledger.table, "ledger");
  add(ledger, 4, hours(1));
  RetentionLimits limits;
  limits.ledger = {hours(48), 2};
  EXPECT_EQ(sweep(limits).rows, 4u);  // the older one, then the three oldest free ones
  EXPECT_EQ(number("SELECT sum(cost_micro) FROM ledger"), 5);
  EXPECT_EQ(left(ledger), 2);
}

TEST_F(RetentionTest, ASweepIsBounded) {
  const Kind& kind = kKinds[0];
  const int most = Retention::kSweepRowsMax;
  add(kind, most + 1, hours(24 * 31));
  const Swept first = sweep({});
  EXPECT_EQ(first.rows, Retention::kSweepRowsMax);
  EXPECT_FALSE(first.is_done);
  const Swept second = sweep({});
  EXPECT_EQ(second.rows, 1u);
  EXPECT_TRUE(second.is_done);
}

TEST_F(RetentionTest, KeysAreKnownForADayWhateverIsSet) {
  const Kind& inbox = kKinds[0];
  RetentionLimits limits;
  limits.inbox.age_max = hours(0);
  add(inbox, 1, hours(24));
  EXPECT_EQ(sweep(limits).rows, 0u);
  time_.advance(Millis(1));
  EXPECT_EQ(sweep(limits).rows, 1u);
}

TEST_F(RetentionTest, WhatHasNotEndedStays) {
  run("INSERT INTO inbox (session_id, owner, digest, message, options, state, created_ms) "
      "VALUES ('s', 'ann', '', '{}', '{}', 'waiting', 0);"
      "INSERT INTO outbox (session_id, destination, payload, key, state, next_attempt_ms, "
      "created_ms) VALUES ('s', 'd', '', 'k', 'sent', 0, 0);"
      "INSERT INTO effects (session_id, turn, call_id, tool, arguments, class, state, created_ms) "
      "VALUES ('s', 0, 'c', 't', '{}', 'reads', 'intended', 0);"
      "INSERT INTO memories (owner, kind, text, created_ms, used_ms) VALUES ('ann', '', 'a', 0, 0);"
      "INSERT INTO rules (owner, tool, kind, pattern, decision, created_ms) "
      "VALUES ('ann', 't', 'exact', 'always', 'allow', 0);");
  RetentionLimits none;
  for (const Kind& kind : kKinds) none.*kind.keep = {.age_max = hours(0), .rows_max = 0};
  none.archived_messages_max = 0;
  EXPECT_EQ(sweep(none).rows, 0u);
}

TEST_F(RetentionTest, ExpiredRulesGo) {
  run("INSERT INTO rules (owner, tool, kind, pattern, decision, expires_ms, created_ms) VALUES "
      "('ann', 't', 'exact', 'over', 'allow', " +
      std::to_string(time_.ms()) + ", 0), ('ann', 't', 'exact', 'soon', 'allow', " +
      std::to_string(time_.ms() + 1) + ", 0);");
  EXPECT_EQ(sweep({}).rows, 1u);
  EXPECT_EQ(number("SELECT count(*) FROM rules WHERE pattern = 'soon'"), 1);
}

TEST_F(RetentionTest, ArchivedMessagesGoOnlyIfAskedTheLongestUnusedFirst) {
  run("INSERT INTO sessions VALUES ('new', 'ann', NULL, NULL, 0, 9);");
  for (const std::string session : {"s", "new"})
    for (int i = 0; i < 4; ++i)
      run("INSERT INTO messages (session_id, number, turn, role, content, created_ms, archived) "
          "VALUES ('" +
          session + "', " + std::to_string(i) + ", 0, 'user', 'word', 0, 1);");
  EXPECT_EQ(sweep({}).rows, 0u);
  RetentionLimits limits;
  limits.archived_messages_max = 6;
  EXPECT_EQ(sweep(limits).rows, 2u);
  EXPECT_EQ(number("SELECT min(number) FROM messages WHERE session_id = 's'"), 2);
  EXPECT_EQ(number("SELECT min(number) FROM messages WHERE session_id = 'new'"), 0);
  limits.archived_messages_max = 0;
  EXPECT_EQ(sweep(limits).rows, 4u);  // not the last of each: the next is numbered after it
  EXPECT_EQ(number("SELECT count(*) FROM messages WHERE number = 3"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM messages_text WHERE messages_text MATCH 'word'"), 2);
  EXPECT_TRUE(sweep(limits).is_done);
}

}  // namespace
}  // namespace hearth::store
