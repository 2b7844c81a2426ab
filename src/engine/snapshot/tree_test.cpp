#include "engine/snapshot/tree.h"

#include <gtest/gtest.h>

#include "engine/snapshot/testing.h"

namespace hearth::engine::snapshot {
namespace {

using testing::counting;
using testing::header_for;

const Digest kFingerprint = digest_of("a model");
constexpr auto kWhole = Tree::Last::Whole, kPart = Tree::Last::Part;

std::vector<chat::Token> joined(std::vector<chat::Token> a, const std::vector<chat::Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class TreeTest : public ::testing::Test {
 protected:
  TreeTest() {
    for (const Header* header : {&system_, &first_, &second_}) EXPECT_TRUE(tree_.add(*header));
  }
  const Header system_ = header_for(kFingerprint, nullptr, counting(10));
  const Header first_ = header_for(kFingerprint, &system_, {100, 101, 102});
  const Header second_ = header_for(kFingerprint, &system_, {100, 201, 202, 203});
  Tree tree_;
};

TEST_F(TreeTest, FindsTheLongestWay) {
  const auto all = joined(counting(10), {100, 201, 202, 203, 9});
  const Chain chain = tree_.longest(all, kWhole);
  ASSERT_EQ(chain.links.size(), 2u);
  EXPECT_EQ(chain.links[0].name, system_.name);
  EXPECT_EQ(chain.links[1].name, second_.name);
  EXPECT_EQ(chain.tokens, 14u);
}

TEST_F(TreeTest, ABeginningOfTheLastIsEnoughWhereStateCanBeCut) {
  const auto tokens = joined(counting(10), {100, 201, 7});
  EXPECT_EQ(tree_.longest(tokens, kWhole).tokens, 10u);
  const Chain part = tree_.longest(tokens, kPart);
  EXPECT_EQ(part.tokens, 12u);
  EXPECT_EQ(part.links.back().name, second_.name);
  EXPECT_EQ(tree_.longest(std::span(tokens).first(4), kPart).tokens, 4u);
  EXPECT_EQ(tree_.longest(std::span(tokens).first(4), kWhole).tokens, 0u);
}

TEST_F(TreeTest, NothingInCommonIsNoChain) {
  for (const auto last : {kWhole, kPart}) {
    EXPECT_TRUE(tree_.longest(counting(10, 50), last).links.empty());
    EXPECT_TRUE(tree_.longest({}, last).links.empty());
  }
}

TEST_F(TreeTest, LooksAtAllWaysThatMatch) {
  const Header whole = header_for(kFingerprint, nullptr, joined(counting(10), {100, 201}));
  EXPECT_TRUE(tree_.add(whole));  // another way of cutting the same tokens
  const auto all = joined(counting(10), {100, 201, 202, 203, 9});
  EXPECT_EQ(tree_.longest(all, kWhole).tokens, 14u);
}

TEST_F(TreeTest, OnlyAChildOfWhatIsThereIsAdded) {
  const Header unknown = header_for(kFingerprint, nullptr, {1});
  EXPECT_FALSE(tree_.add(header_for(kFingerprint, &unknown, {2})));
  Header gap = header_for(kFingerprint, &system_, {5});
  gap.start = 11;
  EXPECT_FALSE(tree_.add(gap));
  EXPECT_TRUE(tree_.add(first_));  // again
  EXPECT_EQ(tree_.size(), 3u);
}

TEST_F(TreeTest, WhatFollowsGoesToo) {
  EXPECT_EQ(tree_.remove(system_.name), 3u);
  EXPECT_EQ(tree_.size(), 0u);
  EXPECT_TRUE(tree_.longest(counting(10), kPart).links.empty());
  EXPECT_EQ(tree_.remove(system_.name), 0u);
  EXPECT_TRUE(tree_.add(system_));
  EXPECT_EQ(tree_.longest(counting(10), kWhole).tokens, 10u);
}

TEST_F(TreeTest, AWayHasAnEnd) {
  Header last = header_for(kFingerprint, nullptr, {1'000});
  ASSERT_TRUE(tree_.add(last));
  for (std::size_t i = 1; i < Tree::kChainMax; ++i) {
    last = header_for(kFingerprint, &last, {1'000});
    ASSERT_TRUE(tree_.add(last)) << i;
  }
  EXPECT_EQ(tree_.way_to(last.name).links.size(), Tree::kChainMax);
  EXPECT_FALSE(tree_.add(header_for(kFingerprint, &last, {1'000})));
}

}  // namespace
}  // namespace hearth::engine::snapshot
