#include "store/memories.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::soon;
using ::testing::UnorderedElementsAre;

class MemoriesTest : public testing::StoreFixture {
 protected:
  Memories memories() { return {*store_, time_}; }
  Memory remembered(const std::string& text, const std::string& owner = "ann") {
    return memories().remember(soon(), owner, text).value();
  }
  static std::vector<std::string> texts(const Result<std::vector<Memory>>& all) {
    EXPECT_TRUE(all.ok()) << all.error().message;
    std::vector<std::string> found;
    if (all.ok())
      for (const Memory& one : all.value()) found.push_back(one.text);
    return found;
  }
  std::vector<std::string> recalled(const std::string& words, std::size_t count = 10) {
    return texts(memories().recall(soon(), "ann", words, count));
  }
};

TEST_F(MemoriesTest, WhatIsRememberedIsRecalledByItsOwner) {
  const Memory made = memories().remember(soon(), "ann", "The cat is called Mia.", "pet").value();
  remembered("The cat of Bob", "bob");
  reopen();
  const auto found = memories().recall(soon(), "ann", "CAT", 10).value();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, made.id);
  EXPECT_EQ(found[0].text, "The cat is called Mia.");
  EXPECT_EQ(found[0].kind, "pet");
  EXPECT_EQ(found[0].owner, "ann");
  EXPECT_EQ(found[0].created_ms, time_.ms());
  EXPECT_EQ(memories().forget(soon(), "bob", made.id).error().code, Code::NotFound);
  ASSERT_TRUE(memories().forget(soon(), "ann", made.id).ok());
  EXPECT_EQ(memories().forget(soon(), "ann", made.id).error().code, Code::NotFound);
  EXPECT_THAT(recalled("cat"), IsEmpty());
}

TEST_F(MemoriesTest, TheSameTextIsNotDoubledButUsed) {
  const Memory first = remembered("a");
  remembered("b");
  time_.advance(Millis(5));
  const Memory again = memories().remember(soon(), "ann", "a", "letter").value();
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.kind, "letter");
  EXPECT_EQ(again.created_ms, first.created_ms);
  EXPECT_EQ(again.used_ms, time_.ms());
  EXPECT_NE(remembered("a", "bob").id, first.id);
  EXPECT_THAT(texts(memories().list(soon(), "ann")), ElementsAre("a", "b"));
}

TEST_F(MemoriesTest, AllWordsBeforeSomeAndTheBestFirst) {
  remembered("green tea");
  remembered("tea tea tea");
  remembered("green green, and a long line about many other things that are not asked for");
  EXPECT_THAT(recalled("green tea"), ElementsAre("green tea"));
  EXPECT_THAT(recalled("tea").front(), "tea tea tea");
  EXPECT_THAT(recalled("tea", 1).size(), 1u);
  // No memory holds every word of this question.
  EXPECT_THAT(recalled("do I like green tea?").front(), "green tea");
  EXPECT_EQ(recalled("do I like green tea?").size(), 3u);
  EXPECT_THAT(recalled("coffee or milk"), IsEmpty());
}

TEST_F(MemoriesTest, RecallNeverFailsOnWhatIsTyped) {
  remembered("It's 5 o'clock, \"they\" said (NOT later).");
  std::string many;
  for (int i = 0; i < 3'000; ++i) many += "w" + std::to_string(i) + " ";
  const std::string kHostile[] = {"",
                                  " ",
                                  "\"",
                                  "\"\"",
                                  "'",
                                  "?",
                                  "*",
                                  "NOT",
                                  "AND OR NOT",
                                  "a NEAR(b, 2)",
                                  "text:x",
                                  "-they",
                                  "^they",
                                  "they*",
                                  "(",
                                  ")",
                                  "{a b}",
                                  "a\" OR \"b",
                                  "--",
                                  ";DROP TABLE memories;",
                                  "%",
                                  "_",
                                  "\\",
                                  "\xff\xfe",
                                  std::string("a\0b", 3),
                                  std::string(100'000, 'x'),
                                  std::string(100'000, '"'),
                                  many,
                                  "\xf0\x9f\x98\x80",
                                  "? ! .",
                                  "+ + +",
                                  "a + b",
                                  "\t\n\r"};
  for (const std::string& words : kHostile) {
    const auto found = memories().recall(soon(), "ann", words, 10);
    EXPECT_TRUE(found.ok()) << words.substr(0, 40) << ": " << found.error().message;
  }
  EXPECT_EQ(recalled("o'clock").size(), 1u);
  EXPECT_EQ(recalled("\"they\"").size(), 1u);
  EXPECT_EQ(recalled("they ? !").size(), 1u);
  EXPECT_EQ(recalled("they NOT later").size(), 1u);  // no operator
}

/// Words behind kWordsMax are not looked for.
TEST_F(MemoriesTest, AQuestionIsBounded) {
  remembered("needle");
  std::string words;
  for (std::size_t i = 1; i < Memories::kWordsMax; ++i) words += "hay ";
  EXPECT_EQ(recalled(words + "needle").size(), 1u);
  EXPECT_EQ(recalled(words + "hay needle").size(), 0u);
}

TEST_F(MemoriesTest, TheLastUsedComesFirst) {
  const auto a = remembered("a").id, b = remembered("b").id, bobs = remembered("c", "bob").id;
  time_.advance(Millis(5));
  ASSERT_TRUE(memories().mark_used(soon(), "ann", {a, bobs, 999}).ok());
  EXPECT_THAT(texts(memories().list(soon(), "ann")), ElementsAre("a", "b"));
  EXPECT_THAT(texts(memories().list(soon(), "ann", 1, 1)), ElementsAre("b"));
  EXPECT_LT(memories().list(soon(), "bob").value()[0].used_ms, time_.ms());
  EXPECT_NE(b, a);
}

TEST_F(MemoriesTest, BoundsAreSaidWithTheirField) {
  const std::string text(Memories::kTextBytesMax, 'x'), kind(Memories::kKindBytesMax, 'k');
  const std::tuple<std::string, std::string, Code, const char*> kBad[] = {
      {"", "", Code::InvalidInput, "text"},
      {"\xff", "", Code::InvalidInput, "text"},
      {text + "x", "", Code::TooLarge, "text"},
      {"a", kind + "k", Code::TooLarge, "kind"}};
  for (const auto& [bad_text, bad_kind, code, field] : kBad) {
    const auto refused = memories().remember(soon(), "ann", bad_text, bad_kind);
    ASSERT_FALSE(refused.ok()) << field;
    EXPECT_EQ(refused.error().code, code);
    EXPECT_EQ(refused.error().field, field);
  }
  EXPECT_TRUE(memories().remember(soon(), "ann", text, kind).ok());
}

TEST_F(MemoriesTest, AFullMemoryForgetsNothingByItself) {
  run("INSERT INTO memories (owner, kind, text, created_ms, used_ms) "
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(Memories::kMemoriesMax - 1) +
      ") SELECT 'ann', '', 'fact ' || i, 0, 0 FROM n;");
  remembered("the last one");
  const auto refused = memories().remember(soon(), "ann", "one more");
  EXPECT_EQ(refused.error().code, Code::TooLarge);
  EXPECT_EQ(refused.error().field, "memories");
  EXPECT_EQ(remembered("fact 1").used_ms, time_.ms());
  EXPECT_NE(remembered("one more", "bob").id, 0);
}

}  // namespace
}  // namespace hearth::store
