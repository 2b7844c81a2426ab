#include "engine/snapshot/container.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "engine/snapshot/testing.h"

namespace hearth::engine::snapshot {
namespace {

using testing::counting;
using testing::file_of;
using testing::header_for;
using testing::segment_for;

const Digest kFingerprint = digest_of("a model");

Segment good() {
  const Header parent = header_for(kFingerprint, nullptr, counting(8));
  return segment_for(header_for(kFingerprint, &parent, {7, 7, 0, 2'147'483'647}), "state bytes");
}

TEST(Container, ReadsWhatWasWritten) {
  const Segment written = good();
  const std::string file = file_of(written);
  EXPECT_EQ(file.size(), file_bytes(written.header));
  const auto read = read_segment(file);
  ASSERT_TRUE(read.ok()) << read.error().message;
  const Header& header = read.value().header;
  EXPECT_EQ(header.fingerprint, kFingerprint);
  EXPECT_EQ(header.name, written.header.name);
  EXPECT_EQ(header.parent, written.header.parent);
  EXPECT_EQ(header.start, 8u);
  EXPECT_EQ(header.end(), 12u);
  EXPECT_EQ(header.tokens, written.header.tokens);
  EXPECT_EQ(read.value().state(), "state bytes");
  // The header alone, with whatever follows.
  EXPECT_EQ(read_header(file).value().name, header.name);
}

TEST(Container, ANameStandsForAllTokensBeforeIt) {
  const Header a = header_for(kFingerprint, nullptr, counting(8));
  const Header b = header_for(kFingerprint, nullptr, counting(8, 2));
  EXPECT_NE(a.name, b.name);
  EXPECT_NE(header_for(kFingerprint, &a, {5}).name, header_for(kFingerprint, &b, {5}).name);
  EXPECT_NE(a.name, header_for(digest_of("another model"), nullptr, counting(8)).name);
}

TEST(Container, EveryChangedBitIsFound) {
  const std::string file = file_of(good());
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::string bad = file;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const auto read = read_segment(bad);
    ASSERT_FALSE(read.ok()) << "bit " << bit;
    EXPECT_EQ(read.error().code, Code::Corrupt);
  }
}

TEST(Container, EveryLengthButItsOwnIsRefused) {
  const std::string file = file_of(good());
  for (std::size_t size = 0; size < file.size(); ++size)
    ASSERT_EQ(read_segment(file.substr(0, size)).error().code, Code::Corrupt) << size;
  EXPECT_EQ(read_segment(file + "x").error().code, Code::Corrupt);
  EXPECT_EQ(read_segment(file + file).error().code, Code::Corrupt);
}

/// A file whose digests are right, whatever its header says: what only the checks can find.
std::string forged(std::string before, const std::string& state) {
  const Digest header = digest_of(before);
  const auto bytes = [](const Digest& digest) {
    return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
  };
  before += bytes(header);
  return before + state + bytes(Digester().add(bytes(header)).add(state).finish());
}

TEST(Container, NumbersBeyondTheBoundsAreRefusedThoughTheDigestsAreRight) {
  const Segment segment = good();
  const std::string whole = file_of(segment);
  const std::size_t tokens_end = kHeaderStartBytes + 4 * segment.header.tokens.size();
  const std::string before = whole.substr(0, tokens_end);
  ASSERT_TRUE(read_segment(forged(before, "state bytes")).ok());
  struct Case {
    const char* what;
    std::size_t offset;
    std::string bytes;
  };
  const auto number = [](auto value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  const Case kCases[] = {
      {"magic", 0, "HEARTHKX"},
      {"version", 8, number(2u)},
      {"header bytes", 12, number(static_cast<std::uint32_t>(tokens_end))},
      {"header bytes, huge", 12, number(0xffffffffu)},
      {"fingerprint", 16, number(1)},
      {"name", 32, number(1)},
      {"parent", 48, number(1)},
      {"no parent but a start", 48, std::string(16, '\0')},
      {"start", 64, number(7u)},
      {"start behind the end", 64, number(13u)},
      {"start is the end", 64, number(12u)},
      {"end", 68, number(13u)},
      {"end, huge", 68, number(0xffffffffu)},
      {"end beyond any context", 68, number(kPositionMax + 1)},
      {"state bytes", 72, number(std::uint64_t{10})},
      {"state bytes, none", 72, number(std::uint64_t{0})},
      {"state bytes, huge", 72, number(~std::uint64_t{0})},
      {"state bytes beyond the bound", 72, number(kStateBytesMax + 1)},
      {"a token", 80, number(8)},
      {"a negative token", 80, number(-1)},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    std::string bad = before;
    bad.replace(c.offset, c.bytes.size(), c.bytes);
    EXPECT_EQ(read_segment(forged(bad, "state bytes")).error().code, Code::Corrupt);
  }
}

TEST(Container, BoundsTheTokensOfASegment) {
  const Header root = header_for(kFingerprint, nullptr, counting(1));
  const auto reads = [](Header header) {
    return read_segment(file_of(segment_for(header, "s"))).ok();
  };
  EXPECT_TRUE(reads(header_for(kFingerprint, &root, counting(kSegmentTokensMax))));
  EXPECT_FALSE(reads(header_for(kFingerprint, &root, counting(kSegmentTokensMax + 1))));
  EXPECT_TRUE(reads(header_for(kFingerprint, nullptr, counting(kSegmentTokensMax + 1))));
}

TEST(Container, RandomDamageNeverPasses) {
  const std::string file = file_of(good());
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = file;
    for (unsigned i = 0; i <= random() % 4; ++i)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    if (bad == file) continue;
    ASSERT_FALSE(read_segment(bad).ok()) << round;
  }
}

}  // namespace
}  // namespace hearth::engine::snapshot
