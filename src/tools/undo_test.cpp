#include "tools/undo.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include "tools/testing/folder.h"

namespace hearth::tools {
namespace {

using ::testing::HasSubstr;

class UndoTest : public ::testing::Test {
 protected:
  UndoTest() {
    workspace_ = Workspace::open({.roots = {files_.path()}}).value();
    open({});
  }
  void open(Undo::Limits limits) {
    undo_.reset();
    undo_ = Undo::open(kept_.path("undo"), time_, limits).value();
  }
  /// As a tool changes a file.
  std::uint64_t change(const std::string& name, const std::string& after) {
    std::optional<std::string> before;
    if (files_.has(name)) before = files_.read(name);
    const auto number = undo_->keep(
        soon(), {.path = files_.path(name), .before = before, .mode = 0640, .after = after});
    EXPECT_TRUE(number.ok()) << number.error().message;
    files_.put(name, after);
    return number.ok() ? number.value() : 0;
  }
  Result<void> undo_last(Undo::Changed changed = Undo::Changed::Refuse) {
    const auto last = undo_->last().value();
    return undo_->restore(soon(), *workspace_, last ? last->number : 0, changed);
  }

  Folder files_, kept_;
  SetTime time_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<Undo> undo_;
};

TEST_F(UndoTest, WhatACrashLeftHalfWrittenGoes) {
  kept_.put("undo/.hearth-abc", "half");
  change("a", "two");
  open({});
  EXPECT_FALSE(kept_.has("undo/.hearth-abc"));
  EXPECT_EQ(undo_->list().value().size(), 1u);
}

TEST_F(UndoTest, GoesBackStepByStep) {
  files_.put("a", "one");
  change("a", "two");
  time_.advance(Millis(5));
  change("a", "three");
  const auto last = undo_->last().value();
  EXPECT_EQ(last->path, files_.path("a"));
  EXPECT_EQ(last->bytes, 3u);
  EXPECT_EQ(last->changed_ms, 1'700'000'000'005);
  ASSERT_TRUE(undo_last().ok());
  EXPECT_EQ(files_.read("a"), "two");
  EXPECT_EQ(workspace_->find("a").value().mode, 0640u);
  open({});  // it outlives the process
  ASSERT_TRUE(undo_last().ok());
  EXPECT_EQ(files_.read("a"), "one");
  EXPECT_FALSE(undo_->last().value());
}

TEST_F(UndoTest, ANewFileIsRemoved) {
  change("new", "x");
  ASSERT_TRUE(undo_last().ok());
  EXPECT_FALSE(files_.has("new"));
}

TEST_F(UndoTest, TellsWhatItWouldDo) {
  files_.put("a", "one\n");
  const std::uint64_t old = change("a", "two\n");
  const auto plan = [&](std::uint64_t number) {
    return undo_->plan(soon(), *workspace_, number).value();
  };
  EXPECT_FALSE(plan(old).changed_since);
  EXPECT_THAT(plan(old).diff, HasSubstr("-two\n+one\n"));
  EXPECT_EQ(plan(old).entry.path, files_.path("a"));
  files_.put("a", "by hand\n");
  EXPECT_TRUE(plan(old).changed_since);
  EXPECT_THAT(plan(old).diff, HasSubstr("-by hand\n+one\n"));
  const std::uint64_t made = change("new", "x\n");
  EXPECT_THAT(plan(made).diff, HasSubstr("-x\n"));
  std::filesystem::remove(files_.path("new"));
  EXPECT_TRUE(plan(made).changed_since);
  EXPECT_EQ(plan(made).diff, "");
  EXPECT_EQ(files_.read("a"), "by hand\n") << "it only looked";
  EXPECT_EQ(undo_->plan(soon(), *workspace_, 99).error().code, Code::NotFound);
}

TEST_F(UndoTest, AChangeIsUndoneWhereverItLies) {
  std::filesystem::create_directories(files_.path("x/y"));
  const std::uint64_t number = change("x/y/a", "two");
  files_.put("x/y/a", "two");
  std::filesystem::remove_all(files_.path("x"));
  const auto last = undo_->last().value();
  const auto around = Undo::workspace_of(*last, {kept_.path()});
  ASSERT_TRUE(around.ok()) << around.error().message;
  EXPECT_EQ(around.value()->absolute({}), files_.path());
  EXPECT_TRUE(undo_->plan(soon(), *around.value(), number).value().changed_since);
  Undo::Entry at_the_top;
  at_the_top.path = "/a";
  EXPECT_EQ(Undo::workspace_of(at_the_top, {}).error().code, Code::InvalidInput);
}

TEST_F(UndoTest, WorksBesideAnotherProcess) {
  files_.put("a", "one");
  change("a", "two");
  // Another open file has another lock, as another process has.
  const int other = ::open(kept_.path("undo/lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(other, 0);
  ASSERT_EQ(::flock(other, LOCK_EX | LOCK_NB), 0) << "nothing is held between calls";
  const Call hurried = Call::within(Millis(1));
  EXPECT_EQ(undo_->restore(hurried, *workspace_, 1).error().code, Code::Timeout);
  EXPECT_EQ(files_.read("a"), "two");
  ::close(other);
  EXPECT_TRUE(undo_last().ok());
  EXPECT_EQ(files_.read("a"), "one");
}

TEST_F(UndoTest, RefusesWhatHasChangedSince) {
  files_.put("a", "one");
  const std::uint64_t number = change("a", "two");
  files_.put("a", "by hand");
  EXPECT_EQ(undo_last().error().code, Code::Denied);
  EXPECT_THAT(undo_last().error().message, HasSubstr("has changed since"));
  EXPECT_EQ(files_.read("a"), "by hand");
  std::filesystem::remove(files_.path("a"));
  EXPECT_EQ(undo_last().error().code, Code::Denied);
  ASSERT_TRUE(undo_last(Undo::Changed::Overwrite).ok());
  EXPECT_EQ(files_.read("a"), "one");
  EXPECT_EQ(undo_->restore(soon(), *workspace_, number).error().code, Code::NotFound);
}

TEST_F(UndoTest, StaysInTheWorkspace) {
  Folder other;
  other.put("x", "after");
  ASSERT_TRUE(
      undo_->keep(soon(), {.path = other.path("x"), .before = "before", .after = "after"}).ok());
  EXPECT_EQ(undo_last().error().code, Code::Denied);
  files_.put("a", "one");
  change("a", "two");
  std::filesystem::rename(files_.path("a"), files_.path("b"));
  files_.link("b", "a");
  EXPECT_EQ(undo_last().error().code, Code::Denied);
  EXPECT_EQ(files_.read("b"), "two");
}

TEST_F(UndoTest, FindsTheLastOfAFile) {
  const std::uint64_t first = change("a", "1");
  change("b", "2");
  EXPECT_EQ(undo_->last(files_.path("a")).value()->number, first);
  EXPECT_FALSE(undo_->last(files_.path("c")).value());
  EXPECT_EQ(undo_->list().value().size(), 2u);
  EXPECT_EQ(undo_->list().value()[1].number, first);
  undo_->drop(first);
  EXPECT_EQ(undo_->list().value().size(), 1u);
}

TEST_F(UndoTest, TheOldestGoAtTheCount) {
  open({.count_max = 3, .bytes_max = 1'000'000});
  for (int i = 0; i < 5; ++i) change("f" + std::to_string(i), "x");
  const auto all = undo_->list().value();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.back().path, files_.path("f2"));
}

TEST_F(UndoTest, TheOldestGoAtTheBytes) {
  open({.count_max = 100, .bytes_max = 10'000});
  for (const char* name : {"a", "b", "c"}) {
    files_.put(name, std::string(4'000, 'x'));
    change(name, "y");
  }
  EXPECT_EQ(undo_->list().value().size(), 2u);
  const auto kept =
      undo_->keep(soon(), {.path = "/x", .before = std::string(10'000, 'x'), .after = ""});
  EXPECT_EQ(kept.error().code, Code::TooLarge);
  EXPECT_EQ(undo_->list().value().size(), 2u);
}

TEST_F(UndoTest, WhatIsDamagedIsSaid) {
  change("a", "x");
  std::string file;
  for (const auto& one : std::filesystem::directory_iterator(kept_.path("undo"))) file = one.path();
  for (const char* bytes : {"", "{}", "{}\n", "[]\nxx", "\xff\n"}) {
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_EQ(undo_->restore(soon(), *workspace_, 1).error().code, Code::Corrupt);
    EXPECT_TRUE(undo_->list().value().empty());
  }
}

}  // namespace
}  // namespace hearth::tools
