#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace hearth {
namespace {

TEST(FillRandom, FillsEveryByte) {
  // A byte that is never written stays 0 in all of 64 tries with chance 2^-512.
  std::array<std::uint8_t, 1000> seen{};
  for (int round = 0; round < 64; ++round) {
    std::array<std::uint8_t, 1000> bytes{};
    fill_random(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) seen[i] |= bytes[i];
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0);
}

TEST(FillRandom, AcceptsNothing) { fill_random({}); }

TEST(RandomU64, DoesNotRepeat) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(RandomId, HasItsPrefixAndShape) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_id("chatcmpl-");
    ASSERT_EQ(id.size(), 9u + 24u);
    ASSERT_EQ(id.substr(0, 9), "chatcmpl-");
    ASSERT_EQ(id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", 9), std::string::npos);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(ToHex, Table) {
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(to_hex(std::vector<std::uint8_t>{0x00, 0x0f, 0xf0, 0xff, 0xa5}), "000ff0ffa5");
}

}  // namespace
}  // namespace hearth
