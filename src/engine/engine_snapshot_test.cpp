// KV state on disk, through a whole engine: saved, found again by another engine, never trusted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <random>

#include "engine/runtime/engine_harness.h"
#include "engine/snapshot/library.h"
#include "engine/snapshot/testing.h"

namespace hearth::engine {
namespace {

using snapshot::testing::Folder;
using ::testing::IsEmpty;

constexpr std::uint64_t kBytesMax = 64 << 20;

Load load_from(const Folder& folder, KvType kv_type = KvType::Auto) {
  return {.path = "",
          .options = {.context_tokens = 600, .slots = 2, .threads = 1, .kv_type = kv_type},
          .snapshots = {.directory = folder.path(), .bytes_max = kBytesMax}};
}

chat::Request persistent(std::string text, std::uint32_t tokens) {
  chat::Request request = continuation(std::move(text), tokens);
  request.cache.persist = true;
  return request;
}

/// An engine that keeps its numbers as they come.
class Engine : public EngineHarness {
 public:
  explicit Engine(const Load& load) {
    send(load);
    await<Loaded>();
  }
  SnapshotStats until(const std::function<bool(const SnapshotStats&)>& condition) {
    return snapshots_until(condition);
  }
  void until_saved(std::uint64_t count) {
    until([count](const SnapshotStats& now) { return now.saved >= count; });
  }
};

/// Leaves the state of a prompt and its answer in the folder; gives the text of both.
std::string fill(const Folder& folder, const std::string& text, KvType kv_type = KvType::Auto) {
  Engine engine(load_from(folder, kv_type));
  const std::string answer = engine.generate(persistent(text, 20)).text;
  engine.until_saved(1);
  return text + answer;
}

TEST(EngineSnapshot, TheContinuationIsTheSameWithAndWithoutARestore) {
  const Folder folder;
  const std::string before = fill(folder, words("Once upon a time", 60));
  for (const bool seeded : {false, true}) {
    SCOPED_TRACE(seeded ? "seeded" : "greedy");
    chat::Request next = continuation(before + " and then", 30);
    if (seeded) {
      next.sampling.temperature = 1.0f;
      next.sampling.seed = 11;
    }
    const Folder empty;
    Engine cold(load_from(empty)), restored(load_from(folder));
    const Heard want = cold.generate(next), got = restored.generate(next);
    EXPECT_EQ(want.started.cached_tokens, 0u);
    EXPECT_GE(got.started.cached_tokens, got.started.prompt_tokens - 15);
    EXPECT_EQ(got.finished->usage.cached_tokens, got.started.cached_tokens);
    EXPECT_EQ(got.text, want.text);
    EXPECT_EQ(got.bits(), want.bits());
    const SnapshotStats stats =
        restored.until([](const SnapshotStats& now) { return now.restored > 0; });
    EXPECT_EQ(stats.restored_tokens, got.started.cached_tokens);
    EXPECT_EQ(stats.refused, 0u);
  }
}

TEST(EngineSnapshot, ATurnWritesOnlyWhatIsNew) {
  const Folder folder;
  const std::string before = fill(folder, words("A long conversation", 60));
  const auto first = folder.files();
  Engine engine(load_from(folder));
  engine.generate(persistent(before + words(" It went on with", 20), 5));
  engine.until_saved(1);
  const auto both = folder.files();
  ASSERT_EQ(both.size(), 2u);
  std::map<std::string, std::size_t> sizes;
  for (const auto& file : both) sizes[file] = folder.read(file).size();
  const std::string second = both[0] == first[0] ? both[1] : both[0];
  EXPECT_LT(sizes[second], sizes[first[0]]);
}

TEST(EngineSnapshot, AnotherEndingUsesTheBeginning) {
  const Folder folder;
  fill(folder, words("The same beginning", 60) + " for one");
  const std::string other = words("The same beginning", 60) + words(" but quite another end", 20);
  const Folder empty;
  Engine cold(load_from(empty)), restored(load_from(folder));
  const Heard want = cold.generate(continuation(other, 20));
  const Heard got = restored.generate(continuation(other, 20));
  EXPECT_GT(got.started.cached_tokens, 100u);
  EXPECT_LT(got.started.cached_tokens, got.started.prompt_tokens - 20);
  EXPECT_EQ(got.bits(), want.bits());
}

TEST(EngineSnapshot, NothingIsSavedOrReadUnasked) {
  const Folder folder;
  {
    Engine engine(load_from(folder));
    engine.generate(continuation(words("Not to be kept", 60), 5));
    chat::Request contradiction = persistent(words("Not to be kept", 60), 5);
    contradiction.cache_prompt = false;
    engine.generate(contradiction);
  }
  EXPECT_THAT(folder.files(), IsEmpty());
  const std::string before = fill(folder, words("To be kept", 60));
  Load off = load_from(folder);
  off.snapshots.bytes_max = 0;
  Engine without(off);
  EXPECT_EQ(without.generate(persistent(before, 5)).started.cached_tokens, 0u);
  Engine with(load_from(folder));
  chat::Request cold = continuation(before, 5);
  cold.cache_prompt = false;
  EXPECT_EQ(with.generate(cold).started.cached_tokens, 0u);
}

TEST(EngineSnapshot, WhatIsResidentIsNotReadAgain) {
  const Folder folder;
  Engine engine(load_from(folder));
  const std::string text = words("Still here", 60);
  const std::string answer = engine.generate(persistent(text, 10)).text;
  engine.until_saved(1);
  EXPECT_GT(engine.generate(continuation(text + answer, 5)).started.cached_tokens, 100u);
  engine.generate(persistent(words("Something else", 60), 5));
  const auto stats = engine.until([](const SnapshotStats& now) { return now.saved >= 2; });
  EXPECT_EQ(stats.restored, 0u);
}

TEST(EngineSnapshot, StateOfAnotherKvTypeIsNoUse) {
  const Folder folder;
  const std::string before = fill(folder, words("Half the memory", 60), KvType::Q8_0);
  Engine engine(load_from(folder, KvType::F16));
  EXPECT_EQ(engine.generate(continuation(before, 5)).started.cached_tokens, 0u);
  EXPECT_EQ(folder.files().size(), 1u);  // it may be another engine's
}

TEST(EngineSnapshot, AnotherModelsFileUnderOurNameIsRefused) {
  const Folder folder, other;
  const std::string before = fill(folder, words("Ours", 60), KvType::Q8_0);
  fill(other, words("Ours", 60), KvType::F16);  // what differs is the fingerprint, as with a model
  folder.write(folder.files()[0], other.read(other.files()[0]));
  Engine engine(load_from(folder, KvType::Q8_0));
  EXPECT_EQ(engine.generate(continuation(before, 5)).started.cached_tokens, 0u);
  EXPECT_THAT(folder.files(), IsEmpty());
  engine.until([](const SnapshotStats& now) { return now.refused == 1; });
}

TEST(EngineSnapshot, AFullDiskCostsOnlyTheSnapshot) {
  const Folder folder;
  folder.write("kv", "a file where the folder should be");
  Load load = load_from(folder);
  load.snapshots.directory += "/kv";
  Engine engine(load);
  EXPECT_EQ(engine.generate(persistent(words("No room", 60), 5)).choices.size(), 5u);
  engine.until([](const SnapshotStats& now) { return now.skipped == 1; });
}

TEST(EngineSnapshot, ACancelMeetsAPromptThatIsBeingFetched) {
  const Folder folder;
  const std::string before = fill(folder, words("Soon to be cancelled", 60));
  Engine engine(load_from(folder));
  const auto id = engine.start(continuation(before + " more", 400));
  engine.send(Cancel{.id = id});
  EXPECT_EQ(engine.hear(id).failed.value().code, Code::Cancelled);
  EXPECT_EQ(engine.generate(continuation("Still alive", 5)).choices.size(), 5u);
}

// ---- damage -----------------------------------------------------------------------------------

/// One way to spoil a file. Every byte of the header in turn, then random bytes, cuts, repetitions.
std::string spoiled(const std::string& good, std::mt19937& random, std::size_t round) {
  constexpr std::size_t kFields = 88;  // of the header, and the first tokens
  std::string bad = good;
  if (round < kFields) {
    bad[round] = static_cast<char>(bad[round] ^ (1 + random() % 255));
    return bad;
  }
  switch (round % 5) {
    case 0: bad.resize(random() % good.size()); break;
    case 1: bad += good.substr(0, 1 + random() % 100); break;
    case 2: bad.erase(random() % good.size(), 1 + random() % 64); break;
    case 3: std::swap_ranges(bad.begin(), bad.begin() + 200, bad.end() - 200); break;
    default:
      for (int i = 0; i < 3; ++i)
        bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
  }
  return bad;
}

TEST(EngineSnapshot, AThousandSpoiledFilesAreRefused) {
  const Folder folder;
  const snapshot::Digest fingerprint = snapshot::digest_of("a model");
  const auto segment = snapshot::testing::segment_for(
      snapshot::testing::header_for(fingerprint, nullptr, snapshot::testing::counting(100)),
      std::string(5'000, 's'));
  ASSERT_TRUE(snapshot::Directory(folder.path(), fingerprint).write(segment).ok());
  const std::string file = folder.files()[0], good = folder.read(file);
  std::mt19937 random(7);
  for (std::size_t round = 0; round < 1'000; ++round) {
    folder.write(file, spoiled(good, random, round));
    std::promise<std::size_t> read;
    snapshot::Library library({folder.path(), kBytesMax, fingerprint}, [](const auto&) {});
    library.wait_until_known(Call::within(Millis(10'000)));
    const auto chain = library.longest(segment.header.tokens, snapshot::Tree::Last::Part);
    ASSERT_TRUE(library.load(
        chain, [&](snapshot::Library::Loaded loaded) { read.set_value(loaded.segments.size()); }));
    ASSERT_EQ(read.get_future().get(), 0u) << round;
    ASSERT_EQ(library.numbers().refused, 1u) << round;
    ASSERT_THAT(folder.files(), IsEmpty()) << round;
  }
}

TEST(EngineSnapshot, NoAnswerIsWrongWhereAllFilesAreSpoiled) {
  constexpr std::size_t kConversations = 88 + 32;  // every byte of a header, and the other ways
  const Folder folder;
  const auto prompt = [](std::size_t i) {
    chat::Request request = persistent(words(std::to_string(i * 7919) + " is a number.", 20), 3);
    request.sampling.seed = 1;  // its bits then do not depend on what else is in the cache
    return request;
  };
  std::vector<std::vector<std::pair<chat::Token, float>>> want;
  {
    Engine engine(load_from(folder));
    for (std::size_t i = 0; i < kConversations; ++i)
      want.push_back(engine.generate(prompt(i)).bits());
    engine.until_saved(kConversations);
  }
  const auto files = folder.files();
  // More where cells were not in order: then a conversation lies in two pieces.
  ASSERT_GE(files.size(), kConversations);
  std::mt19937 random(7);
  for (std::size_t i = 0; i < files.size(); ++i)
    folder.write(files[i], spoiled(folder.read(files[i]), random, i));

  Engine engine(load_from(folder));
  for (std::size_t i = 0; i < kConversations; ++i) {
    chat::Request again = prompt(i);
    again.cache.persist = false;
    const Heard heard = engine.generate(again);
    ASSERT_LT(heard.started.cached_tokens, 16u) << i;  // what they have in common with each other
    ASSERT_EQ(heard.bits(), want[i]) << i;
  }
  // A piece too short to be worth reading is not looked at, so not all are met.
  const auto stats =
      engine.until([](const SnapshotStats& now) { return now.refused >= kConversations / 2; });
  EXPECT_EQ(stats.restored, 0u);
}

}  // namespace
}  // namespace hearth::engine
