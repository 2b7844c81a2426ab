#include "engine/runtime/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace hearth::engine {
namespace {

using Tokens = std::vector<llama_token>;

TEST(Lookup, Table) {
  struct Case {
    const char* what;
    Tokens text;
    std::uint32_t count;
    Tokens draft;
  };
  const Case kCases[] = {
      {"nothing", {}, 3, {}},
      {"one token", {1}, 3, {}},
      {"nothing alike", {1, 2, 3, 4, 5}, 3, {}},
      {"one token alike is too few", {1, 9, 2, 3, 9}, 3, {}},
      {"two alike", {1, 2, 3, 4, 5, 6, 1, 2}, 3, {3, 4, 5}},
      {"no more than asked for", {1, 2, 3, 4, 5, 6, 1, 2}, 1, {3}},
      {"none asked for", {1, 2, 3, 4, 1, 2}, 0, {}},
      {"the latest of equals", {1, 2, 3, 0, 1, 2, 4, 9, 1, 2}, 1, {4}},
      {"the longest before the latest", {7, 1, 2, 3, 0, 1, 2, 4, 7, 1, 2}, 1, {3}},
      {"it runs into itself", {1, 2, 5, 1, 2}, 5, {5, 1, 2, 5, 1}},
      {"one token for ever", {8, 8, 8}, 3, {8, 8, 8}},
  };
  for (const Case& c : kCases) {
    Lookup lookup(100);
    EXPECT_EQ(lookup.draft(c.text, c.count).tokens, c.draft) << c.what;
    EXPECT_EQ(lookup.draft(c.text, c.count).tokens, c.draft) << c.what << ", asked again";
  }
}

TEST(Lookup, SaysHowMuchAgreed) {
  const std::pair<Tokens, std::uint32_t> kCases[] = {
      {{1, 2, 3}, 0}, {{1, 2, 3, 1, 2}, 2}, {{7, 1, 2, 3, 7, 1, 2}, 3}, {Tokens(40, 5), 16}};
  for (const auto& [text, match] : kCases) EXPECT_EQ(Lookup(100).draft(text, 1).match, match);
}

TEST(Lookup, GrowsWithItsText) {
  std::mt19937 random(3);
  Tokens text;
  Lookup grown(2'000);
  for (int i = 0; i < 1'000; ++i) {
    text.push_back(static_cast<llama_token>(random() % 12));
    Lookup fresh(2'000);
    ASSERT_EQ(grown.draft(text, 3).tokens, fresh.draft(text, 3).tokens) << i;
  }
}

TEST(Lookup, LooksAtABoundedNumberOfPlaces) {
  // The only long match is the oldest of more places than are looked at.
  Tokens text{7, 7, 1, 2, 99};
  for (std::uint32_t i = 0; i < Lookup::kCandidatesMax; ++i)
    text.insert(text.end(), {static_cast<llama_token>(100 + i), 1, 2, 50});
  text.insert(text.end(), {7, 7, 1, 2});
  EXPECT_EQ(Lookup(100).draft(text, 1).tokens, Tokens{50});
  text.erase(text.begin() + 5, text.begin() + 9);
  EXPECT_EQ(Lookup(100).draft(text, 1).tokens, Tokens{99});
}

}  // namespace
}  // namespace hearth::engine
