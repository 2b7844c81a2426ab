#include "app/upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "app/rules.h"
#include "store/decisions.h"
#include "store/sessions.h"

namespace hearth::app {
namespace {

using testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

TEST(RetentionLimits, DefaultsAreTheStoresOwn) {
  const store::RetentionLimits made = retention_limits({}), own;
  const auto same = [](const store::Keep& a, const store::Keep& b) {
    return a.age_max == b.age_max && a.rows_max == b.rows_max;
  };
  EXPECT_TRUE(same(made.inbox, own.inbox));
  EXPECT_TRUE(same(made.outbox, own.outbox));
  EXPECT_TRUE(same(made.effects, own.effects));
  EXPECT_TRUE(same(made.approvals, own.approvals));
  EXPECT_TRUE(same(made.decisions, own.decisions));
  EXPECT_TRUE(same(made.journal, own.journal));
  EXPECT_EQ(made.archived_messages_max, own.archived_messages_max);
}

TEST(RetentionLimits, TakeWhatIsSet) {
  config::Config::Store kept;
  kept.journal_days_max = 2;
  kept.effects_rows_max = 7;
  kept.archived_messages_max = 9;
  const store::RetentionLimits made = retention_limits(kept);
  EXPECT_EQ(made.journal.age_max, std::chrono::hours(48));
  EXPECT_EQ(made.effects.rows_max, 7u);
  EXPECT_EQ(made.archived_messages_max, 9u);
}

TEST(SweepAll, GoesOnUntilNothingIsTooMuch) {
  std::string name = std::filesystem::temp_directory_path() / "hearth-upkeep-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name.data());
  const SystemTime time;
  {
    const auto store = store::Store::open(folder / "hearth.db").value();
    const auto session = store::Sessions(*store, time).create(soon(), "ann").value().id;
    store::Decisions decisions(*store, time);
    const std::size_t count = store::Retention::kSweepRowsMax * 2 + 1;
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_TRUE(
          decisions.record(soon(), {.owner = "ann", .session_id = session, .tool = "t"}).ok());
    config::Config::Store kept;
    kept.decisions_rows_max = 3;
    store::Retention retention(*store, time);
    EXPECT_EQ(sweep_all(soon(), retention, retention_limits(kept)).value(), count - 3);
    EXPECT_EQ(sweep_all(soon(), retention, retention_limits(kept)).value(), 0u);
    EXPECT_EQ(decisions.list(soon(), "ann").value().size(), 3u);
  }
  std::filesystem::remove_all(folder);
}

TEST(ReadRules, NamesThePlaceOfABadOne) {
  config::Config config;
  config.policy.rules.push_back({.name = "good", .tool = "*", .pattern = "**", .decision = "ask"});
  EXPECT_EQ(read_rules(config, 0).value().size(), 1u);
  config.policy.rules.push_back({.name = "odd",
                                 .tool = "*",
                                 .kind = "regex",
                                 .pattern = "a(b",
                                 .decision = "ask",
                                 .origin = "/etc/hearth.toml:7"});
  const auto read = read_rules(config, 0);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::InvalidInput);
  EXPECT_THAT(read.error().message, HasSubstr("/etc/hearth.toml:7: policy.rule: rule \"odd\""));
  EXPECT_THAT(read.error().message, HasSubstr("pattern"));
}

}  // namespace
}  // namespace hearth::app
