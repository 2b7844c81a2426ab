#include "engine/snapshot/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>

#include "engine/snapshot/testing.h"

namespace hearth::engine::snapshot {
namespace {

using testing::counting;
using testing::Folder;
using testing::header_for;
using ::testing::IsEmpty;
using testing::segment_for;

const Digest kFingerprint = digest_of("a model");
constexpr Millis kPatience{20'000};

/// A library whose numbers can be waited for.
class Watched {
 public:
  explicit Watched(const Folder& folder, std::uint64_t bytes_max = 1 << 20,
                   const Digest& fingerprint = kFingerprint)
      : library({.directory = folder.path(), .bytes_max = bytes_max, .fingerprint = fingerprint},
                [this](const Library::Numbers&) {
                  const MutexLock lock(mutex_);
                  changed_.notify_all();
                }) {
    library.wait_until_known(Call::within(kPatience));
  }

  template <class Condition>
  void until(Condition condition) {
    const MutexLock lock(mutex_);
    EXPECT_TRUE(changed_.wait_until(mutex_, Clock::now() + kPatience,
                                    [&] { return condition(library.numbers()); }));
  }
  void until_saved(std::uint64_t count) {
    until([count](const Library::Numbers& now) { return now.saved >= count; });
  }
  std::vector<Segment> load(const Chain& chain) {
    std::promise<std::vector<Segment>> promise;
    EXPECT_TRUE(library.load(
        chain, [&](Library::Loaded loaded) { promise.set_value(std::move(loaded.segments)); }));
    return promise.get_future().get();
  }

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;

 public:
  Library library;  // last, so that its thread ends first
};

/// A conversation of two segments, 20 and 10 tokens.
std::vector<Segment> conversation(chat::Token first = 1, const Digest& fingerprint = kFingerprint) {
  Segment root = segment_for(header_for(fingerprint, nullptr, counting(20, first)), "first state");
  Segment next =
      segment_for(header_for(fingerprint, &root.header, counting(10, first + 20)), "second");
  std::vector<Segment> both;
  both.push_back(std::move(root));
  both.push_back(std::move(next));
  return both;
}

TEST(Library, FindsAfterARestartWhatWasSaved) {
  const Folder folder;
  {
    Watched watched(folder);
    watched.library.save(conversation());
    EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Whole).tokens, 30u);
  }  // writes what waits
  Watched watched(folder);
  const Chain chain = watched.library.longest(counting(40), Tree::Last::Whole);
  EXPECT_EQ(chain.tokens, 30u);
  const auto segments = watched.load(chain);
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].state(), "first state");
  EXPECT_EQ(segments[1].state(), "second");
  const auto numbers = watched.library.numbers();
  EXPECT_EQ(numbers.files, 2u);
  EXPECT_EQ(numbers.refused, 0u);
}

TEST(Library, SharedBeginningsLieOnDiskOnce) {
  const Folder folder;
  Watched watched(folder);
  auto one = conversation();
  Segment other = segment_for(header_for(kFingerprint, &one[0].header, counting(10, 500)), "other");
  watched.library.save(std::move(one));
  std::vector<Segment> branch;
  branch.push_back(std::move(other));
  watched.library.save(std::move(branch));
  watched.until_saved(3);
  EXPECT_EQ(folder.files().size(), 3u);
}

TEST(Library, SeesWhatAnotherProcessWrites) {
  const Folder folder;
  Watched one(folder), two(folder);
  one.library.save(conversation());
  one.until_saved(2);
  two.library.longest(counting(40), Tree::Last::Whole);  // asks it to look again
  two.until([](const Library::Numbers& now) { return now.files == 2; });
  EXPECT_EQ(two.library.longest(counting(40), Tree::Last::Whole).tokens, 30u);
}

TEST(Library, ToleratesFilesThatVanish) {
  const Folder folder;
  Watched watched(folder);
  watched.library.save(conversation());
  watched.until_saved(2);
  const Chain chain = watched.library.longest(counting(40), Tree::Last::Whole);
  for (const auto& file : folder.files()) std::filesystem::remove(folder.path() + "/" + file);
  EXPECT_THAT(watched.load(chain), IsEmpty());
  EXPECT_EQ(watched.library.numbers().refused, 0u);
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Part).tokens, 0u);
}

TEST(Library, DamageIsRefusedRemovedAndCounted) {
  const Folder folder;
  Watched watched(folder);
  watched.library.save(conversation());
  watched.until_saved(2);
  const Chain chain = watched.library.longest(counting(40), Tree::Last::Whole);
  const std::string second = folder.files()[1];  // names are in the order of their starts
  std::string bytes = folder.read(second);
  bytes[bytes.size() - 20] ^= 1;
  folder.write(second, bytes);
  EXPECT_EQ(watched.load(chain).size(), 1u);
  EXPECT_EQ(watched.library.numbers().refused, 1u);
  EXPECT_EQ(folder.files().size(), 1u);
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Whole).tokens, 20u);
}

TEST(Library, ADamagedHeaderIsFoundAtTheStartAndWhatFollowsItGoes) {
  const Folder folder;
  {
    Watched watched(folder);
    watched.library.save(conversation());
  }
  std::string bytes = folder.read(folder.files()[0]);
  bytes[100] ^= 1;
  folder.write(folder.files()[0], bytes);
  Watched watched(folder);
  EXPECT_EQ(watched.library.numbers().refused, 1u);
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Part).tokens, 0u);
  EXPECT_THAT(folder.files(), IsEmpty());
}

TEST(Library, OtherModelsFilesStayButCount) {
  const Folder folder;
  const Digest another = digest_of("another");
  {
    Watched other(folder, 1 << 20, another);
    other.library.save(conversation(1, another));
  }
  Watched watched(folder);
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Part).tokens, 0u);
  EXPECT_EQ(watched.library.numbers().files, 2u);
  EXPECT_EQ(watched.library.numbers().refused, 0u);
}

TEST(Library, StaysWithinItsBytesAndLetsTheLongestUnusedGo) {
  const Folder folder;
  const auto one = conversation();
  const std::uint64_t bytes = file_bytes(one[0].header) + file_bytes(one[1].header);
  Watched watched(folder, 2 * bytes);
  watched.library.save(conversation(1));
  watched.library.save(conversation(1'000));
  watched.until_saved(4);
  EXPECT_EQ(watched.library.numbers().evicted, 0u);                        // exactly full
  watched.load(watched.library.longest(counting(40), Tree::Last::Whole));  // the first is used
  watched.library.save(conversation(2'000));
  watched.until_saved(6);
  watched.until([&](const Library::Numbers& now) { return now.bytes <= 2 * bytes; });
  EXPECT_EQ(watched.library.numbers().evicted, 2u);
  EXPECT_EQ(watched.library.longest(counting(40, 1), Tree::Last::Whole).tokens, 30u);
  EXPECT_EQ(watched.library.longest(counting(40, 1'000), Tree::Last::Whole).tokens, 0u);
  EXPECT_EQ(watched.library.longest(counting(40, 2'000), Tree::Last::Whole).tokens, 30u);
}

TEST(Library, WhatIsLargerThanTheBoundIsSkipped) {
  const Folder folder;
  const auto one = conversation();
  Watched watched(folder, file_bytes(one[0].header) + file_bytes(one[1].header) - 1);
  watched.library.save(conversation());
  watched.until([](const Library::Numbers& now) { return now.skipped == 2; });
  EXPECT_THAT(folder.files(), IsEmpty());
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Part).tokens, 0u);
}

TEST(Library, ADiskThatTakesNothingCostsTheSnapshotOnly) {
  const Folder folder;
  folder.write("full", "a file where the folder should be");
  Library library({.directory = folder.path() + "/full", .bytes_max = 1 << 20}, [](const auto&) {});
  library.save(conversation(1, Digest{}));
  while (library.numbers().skipped < 2) std::this_thread::yield();
  EXPECT_EQ(library.longest(counting(40), Tree::Last::Part).tokens, 0u);
}

TEST(Library, TooMuchThatWaitsIsSkipped) {
  const Folder folder;
  Watched watched(folder, 1ull << 40);
  Header header = header_for(kFingerprint, nullptr, counting(20));
  header.state_bytes = Library::kUnwrittenBytesMax;  // only said: nothing so large is made here
  std::vector<Segment> large;
  large.push_back({.header = header, .bytes = ""});
  watched.library.save(std::move(large));
  watched.until([](const Library::Numbers& now) { return now.skipped == 1; });
  EXPECT_THAT(folder.files(), IsEmpty());
}

TEST(Library, BoundsTheLoadsThatWait) {
  const Folder folder;
  Watched watched(folder);
  watched.library.save(conversation());
  watched.until_saved(2);
  const Chain chain = watched.library.longest(counting(40), Tree::Last::Whole);
  std::promise<void> begun, go;
  const auto opened = go.get_future().share();
  ASSERT_TRUE(watched.library.load(chain, [&](Library::Loaded) {
    begun.set_value();
    opened.wait();
  }));
  begun.get_future().wait();  // the thread is held up
  std::atomic<std::size_t> done = 0;
  for (std::size_t i = 0; i < Library::kLoadsMax; ++i)
    EXPECT_TRUE(watched.library.load(chain, [&](Library::Loaded) { ++done; }));
  EXPECT_FALSE(watched.library.load(chain, [&](Library::Loaded) { ++done; }));
  go.set_value();
  while (done < Library::kLoadsMax) std::this_thread::yield();
}

TEST(Library, ASegmentThatDoesNotFitIsRemoved) {
  const Folder folder;
  Watched watched(folder);
  watched.library.save(conversation());
  watched.until_saved(2);
  const auto segments = watched.load(watched.library.longest(counting(40), Tree::Last::Whole));
  watched.library.refuse(segments[1]);
  watched.until([&](const Library::Numbers&) { return folder.files().size() == 1; });
  EXPECT_EQ(watched.library.numbers().refused, 1u);
  EXPECT_EQ(watched.library.longest(counting(40), Tree::Last::Whole).tokens, 20u);
}

}  // namespace
}  // namespace hearth::engine::snapshot
