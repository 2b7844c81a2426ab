#include "store/check.h"

#include <fstream>

#include "store/schema/migrations.h"
#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::soon;

class CheckTest : public testing::StoreFixture {
 protected:
  CheckTest() : path_(folder_ / "hearth.db") {
    for (int i = 0; i < 200; ++i) new_session();
  }
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& bytes) {
    store_.reset();
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  const fs::path path_;
};

TEST_F(CheckTest, AWholeFileHasNoFaultsAlsoBesideADaemon) {
  const Checked open = check(path_).value();
  EXPECT_THAT(open.faults, IsEmpty());
  EXPECT_EQ(open.schema, migrations().back().version);
  store_.reset();
  const std::string before = bytes();
  const Checked closed = check(path_).value();
  EXPECT_THAT(closed.faults, IsEmpty());
  EXPECT_EQ(closed.size_bytes, before.size());
  EXPECT_EQ(bytes(), before);
}

TEST_F(CheckTest, DamageIsListedOrSaidAndNothingChanged) {
  store_.reset();
  const std::string whole = bytes();
  const std::pair<const char*, std::function<void(std::string&)>> kDamages[] = {
      {"text", [](std::string& all) { all = "a letter to somebody else"; }},
      {"zeros", [](std::string& all) { all.replace(3 * 4'096, 4'096, 4'096, '\0'); }},
      {"the last half", [](std::string& all) { all.resize(all.size() / 2 / 4'096 * 4'096); }}};
  for (const auto& [what, damage] : kDamages) {
    SCOPED_TRACE(what);
    std::string damaged = whole;
    damage(damaged);
    write(damaged);
    const auto checked = check(path_);
    if (checked.ok()) {
      EXPECT_THAT(checked.value().faults, Not(IsEmpty()));
      EXPECT_LE(checked.value().faults.size(), kFaultsMax);
    } else {
      EXPECT_EQ(checked.error().code, Code::Corrupt) << checked.error().message;
    }
    EXPECT_EQ(bytes(), damaged);
  }
}

TEST_F(CheckTest, RowsThatPointAtNothingAreFound) {
  store_.reset();
  Database database = Database::open(path_, Database::Mode::Write).value();
  ASSERT_TRUE(database
                  .run("PRAGMA foreign_keys = OFF; INSERT INTO messages (session_id, number, turn, "
                       "role, content, created_ms) VALUES ('gone', 0, 0, 'user', '', 0);")
                  .ok());
  EXPECT_THAT(check(path_).value().faults,
              ::testing::ElementsAre("a row of messages points at nothing in sessions"));
}

TEST_F(CheckTest, WhatIsNotThereOrNewerIsSaid) {
  EXPECT_EQ(check(folder_ / "none.db").error().code, Code::NotFound);
  EXPECT_FALSE(fs::exists(folder_ / "none.db"));
  run("PRAGMA user_version = 999;");
  EXPECT_EQ(check(path_).error().code, Code::InvalidInput);
}

TEST_F(CheckTest, TheLatestCopyIsWhatToRestore) {
  EXPECT_THAT(copies_of(path_), IsEmpty());
  EXPECT_THAT(how_to_restore(path_, {}), Not(HasSubstr("cp ")));
  EXPECT_THAT(how_to_restore(path_, {}), HasSubstr(".recover"));
  for (const char* name : {"hearth.db.schema-2.bak", "hearth.db.schema-10.bak", "hearth.db.bak",
                           "hearth.db.schema-x.bak", "hearth.db.schema-.bak", "hearth.db.schema-3",
                           "other.db.schema-4.bak"})
    std::ofstream(folder_ / name) << "";
  const auto copies = copies_of(path_);
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_EQ(copies[0].schema, 10);
  EXPECT_EQ(copies[1].schema, 2);
  EXPECT_EQ(copies[0].path, (folder_ / "hearth.db.schema-10.bak").string());
  EXPECT_THAT(how_to_restore(path_, copies), HasSubstr("cp '" + copies[0].path + "'"));
  EXPECT_THAT(how_to_restore("/it's/a.db", {}), HasSubstr(R"('/it'\''s/a.db')"));
}

}  // namespace
}  // namespace hearth::store
