#include "store/inspect.h"

#include "store/inbox.h"
#include "store/summaries.h"
#include "store/testing/fixture.h"
#include "store/transcript.h"

namespace hearth::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::soon;

class InspectTest : public testing::StoreFixture {
 protected:
  Result<std::vector<std::string>> rows(const std::string& sql) {
    return rows_of(soon(), *store_, sql);
  }
};

TEST_F(InspectTest, RowsAreLines) {
  new_session("ann");
  new_session("ben");
  EXPECT_THAT(rows("SELECT owner, name FROM sessions ORDER BY owner").value(),
              ElementsAre("ann | null", "ben | null"));
  EXPECT_EQ(rows("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                 "SELECT i FROM n")
                .value()
                .size(),
            kRowsShownMax);
}

TEST_F(InspectTest, NothingIsChangedAndNoOtherFileIsReached) {
  new_session();
  const std::string other = folder_ / "other.db";
  for (const std::string& sql :
       {std::string("DELETE FROM sessions"), "ATTACH '" + other + "' AS other",
        "VACUUM INTO '" + other + "'", std::string("nonsense")})
    EXPECT_FALSE(rows(sql).ok()) << sql;
  EXPECT_EQ(number("SELECT count(*) FROM sessions"), 1);
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(InspectTest, AStoreIsReadBesideWhoWritesIt) {
  const std::string id = new_session();
  const std::string path = folder_ / "hearth.db";
  const auto beside = Store::open_to_read(path);
  ASSERT_TRUE(beside.ok()) << beside.error().message;
  EXPECT_TRUE(Sessions(*beside.value(), time_).find_any(soon(), id).ok());
  EXPECT_EQ(Store::open_to_read(folder_ / "none.db").error().code, Code::Unavailable);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none.db"));
  ASSERT_TRUE(store_->writer()
                  .write(soon(), Writer::Durability::Normal,
                         [](Database& database) { return database.run("PRAGMA user_version = 3"); })
                  .ok());
  const auto older = Store::open_to_read(path);
  EXPECT_EQ(older.error().code, Code::InvalidInput);
  EXPECT_THAT(older.error().message, HasSubstr("schema 3"));
}

TEST_F(InspectTest, ASessionIsFoundWhosesoeverItIs) {
  Sessions sessions(*store_, time_);
  const std::string id = sessions.create(soon(), "ann", "work").value().id;
  EXPECT_EQ(sessions.find_any(soon(), "work").value().id, id);
  EXPECT_EQ(sessions.find_any(soon(), id).value().owner, "ann");
  EXPECT_EQ(sessions.find_any(soon(), "play").error().code, Code::NotFound);
  ASSERT_TRUE(sessions.create(soon(), "ben", "work").ok());
  EXPECT_EQ(sessions.find_any(soon(), "work").error().code, Code::InvalidInput);
  EXPECT_EQ(sessions.find_any(soon(), id).value().id, id);
}

TEST_F(InspectTest, TheMessageOfATurnAndTheSummaryOfThenAreFound) {
  const std::string id = new_session();
  Inbox inbox(*store_, time_);
  const auto accepted =
      inbox.accept(soon(), {.session_id = id, .owner = "ann", .message = {.content = "hello"}});
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(inbox.of_turn(soon(), id, 0).error().code, Code::NotFound);
  ASSERT_TRUE(inbox.begin(soon(), id).ok());
  EXPECT_EQ(inbox.of_turn(soon(), id, 0).value().offer.message.content, "hello");
  Summaries summaries(*store_, time_);
  for (const std::uint32_t number : {2u, 5u})
    ASSERT_TRUE(
        summaries
            .put(soon(),
                 {.session_id = id, .number = number, .text = "before " + std::to_string(number)})
            .ok());
  EXPECT_EQ(summaries.find(soon(), id, 2).value()->text, "before 2");
  EXPECT_FALSE(summaries.find(soon(), id, 3).value());
}

}  // namespace
}  // namespace hearth::store
