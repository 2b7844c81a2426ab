#include "tools/undo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/time_source.h"
#include "cli/undo/take_back.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

class TakingBack : public testing::Test {
 protected:
  TakingBack() {
    std::string pattern = (fs::temp_directory_path() / "hearth-undo-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directory(folder_ + "/data");
    config_.data_dir = folder_ + "/data";
  }
  ~TakingBack() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void put(const std::string& name, const std::string& text) { std::ofstream(path(name)) << text; }
  std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  /// As a tool does it.
  void change(const std::string& name, const std::string& after) {
    const auto undo = tools::Undo::open(config_.data_dir + "/undo", time_).value();
    std::optional<std::string> before;
    if (fs::exists(path(name))) before = read(name);
    ASSERT_TRUE(
        undo->keep(soon(), {.path = path(name), .before = before, .mode = 0644, .after = after})
            .ok());
    put(name, after);
  }
  Result<std::string> undo(const TakeBack& wanted = {}, bool agrees = true) {
    return take_back(soon(), config_, wanted, {}, [&](const std::string& plan) {
      shown_ = plan;
      return agrees;
    });
  }

  SystemTime time_;
  std::string folder_, shown_;
  config::Config config_;
};

TEST_F(TakingBack, TheLastChangeComesFirst) {
  put("a", "one\n");
  change("a", "two\n");
  change("new", "x\n");
  EXPECT_EQ(undo().value(), path("new") + " is removed");
  EXPECT_THAT(shown_, HasSubstr("was new and is removed"));
  EXPECT_FALSE(fs::exists(path("new")));
  EXPECT_EQ(undo().value(), path("a") + " is what it was");
  EXPECT_THAT(shown_, HasSubstr("  -two\n  +one\n"));
  EXPECT_EQ(read("a"), "one\n");
  EXPECT_EQ(undo().error().code, Code::NotFound);
}

TEST_F(TakingBack, ANoChangesNothing) {
  put("a", "one\n");
  change("a", "two\n");
  EXPECT_EQ(undo({}, false).value(), "nothing was changed");
  EXPECT_EQ(read("a"), "two\n");
}

TEST_F(TakingBack, LeavesWhatChangedSinceUnlessForced) {
  put("a", "one\n");
  change("a", "two\n");
  put("a", "by hand\n");
  const auto refused = undo();
  EXPECT_EQ(refused.error().code, Code::Denied);
  EXPECT_THAT(refused.error().message, HasSubstr("has changed since"));
  EXPECT_THAT(refused.error().message, HasSubstr("`hearth undo --force 1`"));
  EXPECT_EQ(shown_, "") << "nobody is asked about what will not happen";
  EXPECT_TRUE(undo({.force = true}).ok());
  EXPECT_THAT(shown_, HasSubstr("that is lost"));
  EXPECT_EQ(read("a"), "one\n");
}

TEST_F(TakingBack, SaysWhichChangeCameLater) {
  put("a", "one\n");
  change("a", "two\n");
  change("a", "three\n");
  EXPECT_THAT(undo({.number = 1}).error().message,
              HasSubstr("change 2 came later: take that back first"));
  EXPECT_TRUE(undo({.number = 2}).ok());
  EXPECT_TRUE(undo({.number = 1}).ok());
  EXPECT_EQ(undo({.number = 1}).error().code, Code::NotFound);
}

TEST_F(TakingBack, ListsWhatThereIs) {
  EXPECT_EQ(changes_table(config_).value(), "");
  EXPECT_EQ(undo().error().code, Code::NotFound);
  EXPECT_FALSE(fs::exists(config_.data_dir + "/undo")) << "nothing is made by looking";
  put("a", "one\n");
  change("a", "two\n");
  change("b\x1b", "x");
  const std::string table = changes_table(config_).value();
  EXPECT_THAT(table, HasSubstr("CHANGE  TIME"));
  EXPECT_THAT(table, HasSubstr("-       " + path("b\\x1b")));
  EXPECT_THAT(table, HasSubstr("4 B     " + path("a")));
  EXPECT_LT(table.find("b\\x1b"), table.find(path("a\n")));
}

TEST(IsYes, TakesAYesOnly) {
  for (const char* yes : {"y", "Y", "yes", " YES "}) EXPECT_TRUE(is_yes(yes)) << yes;
  for (const char* no : {"", "n", "ye", "yes please", "1"}) EXPECT_FALSE(is_yes(no)) << no;
}

}  // namespace
}  // namespace hearth::cli
