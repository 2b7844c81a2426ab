#include "engine/snapshot/directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "engine/snapshot/testing.h"

namespace hearth::engine::snapshot {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using testing::file_of;
using testing::Folder;
using testing::header_for;
using ::testing::IsEmpty;
using testing::segment_for;

const Digest kOurs = digest_of("our model"), kOther = digest_of("another model");

Segment segment(const Digest& fingerprint, std::uint32_t tokens, std::string state = "state") {
  return segment_for(header_for(fingerprint, nullptr, counting(tokens)), std::move(state));
}

TEST(SnapshotDirectory, WritesReadsAndLists) {
  const Folder folder;
  const Directory directory(folder.path() + "/kv", kOurs);
  EXPECT_THAT(directory.list(), IsEmpty());
  EXPECT_EQ(directory.changed_ns(), 0);
  const Segment written = segment(kOurs, 5);
  ASSERT_TRUE(directory.write(written).ok());
  const auto entries = directory.list();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(entries[0].ours);
  EXPECT_EQ(entries[0].name, written.header.name);
  EXPECT_EQ(entries[0].start, 0u);
  EXPECT_EQ(entries[0].bytes, file_bytes(written.header));
  EXPECT_EQ(directory.read_header(entries[0]).value().tokens, counting(5));
  EXPECT_EQ(directory.read(entries[0]).value().state(), "state");
  EXPECT_EQ(directory.entry_of(written.header.name, 0).file, entries[0].file);
}

TEST(SnapshotDirectory, OnlyItsOwnerMayLookIn) {
  const Folder folder;
  const Directory directory(folder.path() + "/kv", kOurs);
  ASSERT_TRUE(directory.write(segment(kOurs, 5)).ok());
  struct stat status {};
  ASSERT_EQ(stat((folder.path() + "/kv").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((folder.path() + "/kv/" + directory.list()[0].file).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(SnapshotDirectory, TellsOthersFilesFromOurs) {
  const Folder folder;
  const Directory ours(folder.path(), kOurs), other(folder.path(), kOther);
  ASSERT_TRUE(ours.write(segment(kOurs, 5)).ok());
  ASSERT_TRUE(other.write(segment(kOther, 6)).ok());
  folder.write("notes.txt", "x");
  folder.write(std::string(64, 'a') + ".kv", "x");
  int own = 0;
  for (const Entry& entry : ours.list()) own += entry.ours;
  EXPECT_EQ(ours.list().size(), 2u);
  EXPECT_EQ(own, 1);
}

TEST(SnapshotDirectory, WhatIsNotWhatItsNameSaysIsRemoved) {
  const Folder folder;
  const Directory directory(folder.path(), kOurs);
  const Entry entry = directory.entry_of(segment(kOurs, 5).header.name, 0);
  const std::string cases[] = {"",
                               "x",
                               file_of(segment(kOther, 5)),
                               file_of(segment(kOurs, 6)),
                               file_of(segment(kOurs, 5)) + "x",
                               file_of(segment(kOurs, 5)).substr(0, 120)};
  for (const std::string& bytes : cases) {
    folder.write(entry.file, bytes);
    EXPECT_EQ(directory.read(entry).error().code, Code::Corrupt);
    EXPECT_THAT(folder.files(), IsEmpty());
  }
  for (const std::string& bytes : {cases[0], cases[1], cases[2], cases[3]}) {
    folder.write(entry.file, bytes);
    EXPECT_EQ(directory.read_header(entry).error().code, Code::Corrupt);
    EXPECT_THAT(folder.files(), IsEmpty());
  }
}

TEST(SnapshotDirectory, AVanishedFileIsNoDamage) {
  const Folder folder;
  const Directory directory(folder.path(), kOurs);
  const Entry entry = directory.entry_of(segment(kOurs, 5).header.name, 0);
  EXPECT_EQ(directory.read(entry).error().code, Code::NotFound);
  EXPECT_EQ(directory.read_header(entry).error().code, Code::NotFound);
  directory.touch({entry});
  directory.remove(entry);
}

TEST(SnapshotDirectory, ADirectoryThatCannotBeWrittenCostsTheSnapshotOnly) {
  const Folder folder;
  folder.write("file", "not a folder");
  EXPECT_EQ(Directory(folder.path() + "/file", kOurs).write(segment(kOurs, 5)).error().code,
            Code::Unavailable);
  EXPECT_EQ(Directory(folder.path() + "/no/kv", kOurs).write(segment(kOurs, 5)).error().code,
            Code::NotFound);
  EXPECT_THAT(folder.files(), ElementsAre("file"));
}

TEST(SnapshotDirectory, LinksAreNotFollowed) {
  const Folder folder;
  const Directory directory(folder.path(), kOurs);
  const Segment good = segment(kOurs, 5);
  folder.write("elsewhere", file_of(good));
  const Entry entry = directory.entry_of(good.header.name, 0);
  ASSERT_EQ(symlink("elsewhere", (folder.path() + "/" + entry.file).c_str()), 0);
  EXPECT_THAT(directory.list(), IsEmpty());
  EXPECT_FALSE(directory.read(entry).ok());
}

TEST(SnapshotDirectory, WhatWasLeftUnfinishedLongAgoGoes) {
  const Folder folder;
  const Directory directory(folder.path(), kOurs);
  folder.write(".writing-1-1", "new");
  folder.write(".writing-1-2", "old");
  timespec times[2] = {};
  clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= 3'700;
  times[1] = times[0];
  utimensat(AT_FDCWD, (folder.path() + "/.writing-1-2").c_str(), times, 0);
  directory.list();
  EXPECT_THAT(folder.files(), ElementsAre(".writing-1-1"));
}

TEST(SnapshotDirectory, UseMakesYoung) {
  const Folder folder;
  const Directory directory(folder.path(), kOurs);
  ASSERT_TRUE(directory.write(segment(kOurs, 5)).ok());
  const Entry before = directory.list()[0];
  directory.touch({before});
  EXPECT_GE(directory.list()[0].used_ns, before.used_ns);
}

// ---- what goes when there is not room for all -------------------------------------------------

Entry entry(const char* file, std::uint32_t start, std::uint64_t bytes, std::int64_t used_ns) {
  Entry made{.file = file, .start = start, .bytes = bytes};
  made.used_ns = used_ns;
  return made;
}

std::vector<std::string> names(const std::vector<Entry>& entries) {
  std::vector<std::string> all;
  for (const Entry& it : entries) all.push_back(it.file);
  return all;
}

TEST(Surplus, TheLongestUnusedGoesAndChildrenBeforeParents) {
  const std::vector<Entry> entries{entry("root", 0, 10, 50), entry("child", 8, 10, 50),
                                   entry("old", 0, 10, 40), entry("new", 0, 10, 60)};
  EXPECT_THAT(names(surplus(entries, {.bytes = 40, .files = 4})), IsEmpty());
  EXPECT_THAT(names(surplus(entries, {.bytes = 39, .files = 4})), ElementsAre("old"));
  EXPECT_THAT(names(surplus(entries, {.bytes = 20, .files = 4})), ElementsAre("old", "child"));
  EXPECT_THAT(names(surplus(entries, {.bytes = 19, .files = 4})),
              ElementsAre("old", "child", "root"));
  EXPECT_THAT(names(surplus(entries, {.bytes = 40, .files = 3})), ElementsAre("old"));
  EXPECT_EQ(surplus(entries, {.bytes = 0, .files = 4}).size(), 4u);
}

}  // namespace
}  // namespace hearth::engine::snapshot
