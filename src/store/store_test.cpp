#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "store/schema/migrations.h"
#include "store/sqlite/database.h"

namespace hearth::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

/// A folder of its own for each test.
class StoreTest : public ::testing::Test {
 public:
  ~StoreTest() override { fs::remove_all(folder_); }

 protected:
  StoreTest() {
    std::string name = fs::temp_directory_path() / "hearth-store-XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "hearth.db";
  }

  std::unique_ptr<Store> open() const {
    auto opened = Store::open(path_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  static Writer::Work adds_session(const std::string& id) {
    return [id](Database& database) -> Result<void> {
      TRY(Query query, database.query("INSERT INTO sessions (id, owner, created_ms, used_ms) "
                                      "VALUES (?, 'o', 0, 0)"));
      return query.bind(id).run();
    };
  }
  static std::int64_t count(Store& store,
                            const std::string& sql = "SELECT count(*) FROM sessions") {
    std::int64_t found = -1;
    const auto read = store.readers().read(soon(), [&](Database& database) -> Result<void> {
      TRY(const auto number, database.number(sql));
      found = number.value_or(-1);
      return ok();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return found;
  }

  fs::path folder_, path_;
};

TEST_F(StoreTest, WhatWasWrittenIsThereAfterwards) {
  {
    const auto store = open();
    ASSERT_TRUE(store->writer().write(soon(), Writer::Durability::Full, adds_session("a")).ok());
    EXPECT_EQ(count(*store), 1);
  }
  EXPECT_EQ(count(*open()), 1);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(StoreTest, EachWriteHappensWholeOrNotAtAll) {
  const auto store = open();
  const auto half = store->writer().write(soon(), Writer::Durability::Normal, [](Database& d) {
    EXPECT_TRUE(adds_session("half")(d).ok());
    return Result<void>(Error{Code::Denied, "changed my mind"});
  });
  EXPECT_EQ(half.error().code, Code::Denied);
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(store->writer().write(soon(), Writer::Durability::Normal, adds_session("a")).ok());
  const auto twice = store->writer().write(soon(), Writer::Durability::Normal, adds_session("a"));
  EXPECT_EQ(twice.error().code, Code::InvalidInput);
  EXPECT_EQ(count(*store), 1);
}

/// Many writers at once, some of whose work fails: the others' is done all the same.
TEST_F(StoreTest, WritesThatShareATransactionAreStillApart) {
  const auto store = open();
  constexpr int kThreads = 8, kEach = 50;
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string id = i % 5 == 0 ? "same" : std::to_string(t * kEach + i);
          const auto durability =
              i % 2 == 0 ? Writer::Durability::Full : Writer::Durability::Normal;
          failed += !store->writer().write(soon(), durability, adds_session(id)).ok();
        }
      });
    }
  }
  EXPECT_EQ(failed, kThreads * kEach / 5 - 1);
  EXPECT_EQ(count(*store), kThreads * kEach * 4 / 5 + 1);
}

TEST_F(StoreTest, AWriterThatIsBusyLetsOthersGiveUpOrBeTold) {
  const auto store = open();
  std::latch begun(1), go_on(1);
  std::jthread slow([&] {
    const auto done = store->writer().write(soon(), Writer::Durability::Normal, [&](Database&) {
      begun.count_down();
      go_on.wait();
      return ok();
    });
    EXPECT_TRUE(done.ok());
  });
  begun.wait();
  const auto late = store->writer().write(Call::within(Millis(0)), Writer::Durability::Normal,
                                          adds_session("late"));
  EXPECT_EQ(late.error().code, Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = store->writer().write(Call::within(Millis(20'000), stop.get_token()),
                                             Writer::Durability::Normal, adds_session("stopped"));
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
  for (std::size_t i = 2; i < Writer::kWaitingMax; ++i) {
    EXPECT_EQ(store->writer()
                  .write(Call::within(Millis(0)), Writer::Durability::Normal, adds_session("x"))
                  .error()
                  .code,
              Code::Timeout);
  }
  const auto full = store->writer().write(soon(), Writer::Durability::Normal, adds_session("y"));
  EXPECT_EQ(full.error().code, Code::Busy);
  go_on.count_down();
  slow.join();
  // What was given up is never done, and gives its place back.
  Result<void> last = Error{Code::Busy, ""};
  for (const Call limit = soon(); !last.ok() && Clock::now() < limit.deadline;)
    last = store->writer().write(limit, Writer::Durability::Normal, adds_session("a"));
  ASSERT_TRUE(last.ok()) << last.error().message;
  EXPECT_EQ(count(*store), 1);
}

TEST_F(StoreTest, AFullDiskFailsWhatDoesNotFitAndNothingElse) {
  const auto store = open();
  const auto set_pages = [&](const std::string& most) {
    return store->writer().write(soon(), Writer::Durability::Full, [&](Database& database) {
      return database.run("PRAGMA max_page_count = " + most + ";");
    });
  };
  ASSERT_TRUE(set_pages("1").ok());  // no more than there are
  const auto large = store->writer().write(soon(), Writer::Durability::Full,
                                           adds_session(std::string(1'000'000, 'x')));
  EXPECT_EQ(large.error().code, Code::TooLarge) << large.error().message;
  EXPECT_THAT(large.error().message, HasSubstr("full"));
  EXPECT_EQ(large.error().field, kDiskField);
  EXPECT_EQ(count(*store), 0);
  ASSERT_TRUE(set_pages("100000").ok());
  ASSERT_TRUE(store->writer().write(soon(), Writer::Durability::Full, adds_session("a")).ok());
  EXPECT_EQ(count(*store), 1);
}

TEST_F(StoreTest, AReadSeesOneMomentAndChangesNothing) {
  const auto store = open();
  const auto read = store->readers().read(soon(), [&](Database& database) -> Result<void> {
    EXPECT_EQ(database.number("SELECT count(*) FROM sessions").value(), 0);
    EXPECT_TRUE(store->writer().write(soon(), Writer::Durability::Normal, adds_session("a")).ok());
    EXPECT_EQ(database.number("SELECT count(*) FROM sessions").value(), 0);
    EXPECT_FALSE(adds_session("b")(database).ok());
    return ok();
  });
  EXPECT_TRUE(read.ok());
  EXPECT_EQ(count(*store), 1);
}

TEST_F(StoreTest, ReadersAreBounded) {
  const auto store = open();
  std::latch all(Store::kReaders), go_on(1);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < Store::kReaders; ++i) {
    threads.emplace_back([&] {
      const auto read = store->readers().read(soon(), [&](Database&) {
        all.count_down();
        go_on.wait();
        return ok();
      });
      EXPECT_TRUE(read.ok());
    });
  }
  all.wait();
  const auto none = store->readers().read(Call::within(Millis(0)), [](Database&) { return ok(); });
  EXPECT_EQ(none.error().code, Code::Timeout);
  go_on.count_down();
}

TEST_F(StoreTest, DamageIsSaidAndNotTouched) {
  const auto bytes_of = [&] {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  {
    const auto store = open();
    for (int i = 0; i < 200; ++i)
      EXPECT_TRUE(store->writer()
                      .write(soon(), Writer::Durability::Normal, adds_session(std::to_string(i)))
                      .ok());
  }
  const std::string whole = bytes_of();
  const std::pair<const char*, std::function<void(std::string&)>> kDamages[] = {
      {"text", [](std::string& bytes) { bytes = "not a database, a letter to somebody else"; }},
      {"a page of zeros", [](std::string& bytes) { bytes.replace(4'096, 4'096, 4'096, '\0'); }},
      {"cut", [](std::string& bytes) { bytes.resize(bytes.size() / 2 / 4'096 * 4'096); }}};
  for (const auto& [what, damage] : kDamages) {
    SCOPED_TRACE(what);
    std::string bytes = whole;
    damage(bytes);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const auto opened = Store::open(path_);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Code::Corrupt) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr("hearth doctor"));
    EXPECT_EQ(bytes_of(), bytes);
  }
}

TEST_F(StoreTest, APathThatCannotBeIsSaid) {
  const auto opened = Store::open(folder_ / "missing" / "hearth.db");
  EXPECT_EQ(opened.error().code, Code::Unavailable);
  EXPECT_THAT(opened.error().message, HasSubstr("No such file or directory"));
}

// ---- schemas ----------------------------------------------------------------------------------

constexpr Migration kOne[] = {{1, "CREATE TABLE a (x); INSERT INTO a VALUES (1);"}};
constexpr Migration kTwo[] = {kOne[0], {2, "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 2;"}};
constexpr Migration kBroken[] = {kOne[0], {2, "UPDATE a SET x = 9;"}, {3, "NO SUCH STATEMENT;"}};

TEST_F(StoreTest, AnOlderSchemaIsBroughtForwardWithACopyBeside) {
  Database database = Database::open(path_, Database::Mode::Write).value();
  ASSERT_TRUE(migrate(database, path_, kOne).ok());
  EXPECT_FALSE(fs::exists(path_.string() + ".schema-1.bak"));
  ASSERT_TRUE(migrate(database, path_, kTwo).ok());
  EXPECT_EQ(schema_version(database).value(), 2);
  EXPECT_EQ(database.number("SELECT y FROM a").value(), 2);
  Database copy = Database::open(path_.string() + ".schema-1.bak", Database::Mode::Read).value();
  EXPECT_EQ(schema_version(copy).value(), 1);
  EXPECT_EQ(copy.number("SELECT x FROM a").value(), 1);
  ASSERT_TRUE(migrate(database, path_, kTwo).ok());  // nothing is left to do
}

TEST_F(StoreTest, AStepThatFailsLeavesTheFileAsItWas) {
  Database database = Database::open(path_, Database::Mode::Write).value();
  ASSERT_TRUE(migrate(database, path_, kOne).ok());
  EXPECT_EQ(migrate(database, path_, kBroken).error().code, Code::Internal);
  EXPECT_EQ(schema_version(database).value(), 1);
  EXPECT_EQ(database.number("SELECT x FROM a").value(), 1);
}

TEST_F(StoreTest, ANewerSchemaIsRefusedAndUntouched) {
  {
    Database database = Database::open(path_, Database::Mode::Write).value();
    ASSERT_TRUE(database.run("PRAGMA user_version = 999;").ok());
  }
  const auto opened = Store::open(path_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::InvalidInput);
  EXPECT_THAT(opened.error().message, HasSubstr("its schema is 999"));
  Database database = Database::open(path_, Database::Mode::Read).value();
  EXPECT_EQ(schema_version(database).value(), 999);
}

/// What the first release left is still there, and can be used.
TEST_F(StoreTest, AFileOfTheFirstSchemaKeepsWhatItHolds) {
  {
    Database database = Database::open(path_, Database::Mode::Write).value();
    ASSERT_TRUE(migrate(database, path_, migrations().first(1)).ok());
    ASSERT_TRUE(adds_session("a")(database).ok());
    ASSERT_TRUE(database
                    .run("INSERT INTO messages (session_id, number, turn, role, content, "
                         "created_ms) VALUES ('a', 0, 0, 'user', 'hello', 0);")
                    .ok());
  }
  const auto store = open();
  EXPECT_EQ(count(*store), 1);
  EXPECT_EQ(count(*store, "SELECT count(*) FROM messages_text WHERE messages_text MATCH 'hello'"),
            1);
  EXPECT_EQ(count(*store, "SELECT count(*) FROM inbox"), 0);
  EXPECT_TRUE(fs::exists(path_.string() + ".schema-1.bak"));
}

TEST(Migrations, AreNumberedWithoutAGap) {
  std::int64_t version = 0;
  for (const Migration& step : migrations()) EXPECT_EQ(step.version, ++version);
  EXPECT_GT(version, 0);
}

}  // namespace
}  // namespace hearth::store
