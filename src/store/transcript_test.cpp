#include "store/transcript.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using testing::soon;

class TranscriptTest : public testing::StoreFixture {
 protected:
  TranscriptTest() { begin(); }
  void begin() {
    sessions_ = std::make_unique<Sessions>(*store_, time_);
    transcript_ = std::make_unique<Transcript>(*store_, time_);
  }
  void say(const std::string& session, const std::string& text,
           chat::Role role = chat::Role::User) {
    const auto added =
        transcript_->append(soon(), session, {{.message = {.role = role, .content = text}}});
    ASSERT_TRUE(added.ok()) << added.error().message;
  }
  std::vector<std::string> found(const std::string& words, const std::string& owner = "ann") {
    const auto all = transcript_->search(soon(), owner, words);
    EXPECT_TRUE(all.ok()) << all.error().message;
    std::vector<std::string> snippets;
    if (all.ok())
      for (const Found& one : all.value()) snippets.push_back(one.snippet);
    return snippets;
  }

  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Transcript> transcript_;
};

TEST_F(TranscriptTest, SessionsAreTheirOwners) {
  const Session made = sessions_->create(soon(), "ann", "work").value();
  EXPECT_EQ(sessions_->find(soon(), "ann", made.id).value().name, "work");
  EXPECT_EQ(sessions_->find_named(soon(), "ann", "work").value().id, made.id);
  EXPECT_EQ(made.created_ms, 1'700'000'000'000);
  for (const auto& found :
       {sessions_->find(soon(), "bob", made.id), sessions_->find_named(soon(), "bob", "work"),
        sessions_->fork(soon(), "bob", made.id), sessions_->find(soon(), "ann", "sess_none")})
    EXPECT_EQ(found.error().code, Code::NotFound);
  EXPECT_EQ(sessions_->remove(soon(), "bob", made.id).error().code, Code::NotFound);
  EXPECT_TRUE(sessions_->create(soon(), "bob", "work").ok());  // a name is one owner's
  EXPECT_TRUE(sessions_->remove(soon(), "ann", made.id).ok());
  EXPECT_EQ(sessions_->find(soon(), "ann", made.id).error().code, Code::NotFound);
}

TEST_F(TranscriptTest, NamesAreChecked) {
  ASSERT_TRUE(sessions_->create(soon(), "ann", "work").ok());
  const std::pair<std::string, std::string> kBad[] = {
      {"", "empty"},
      {std::string(Sessions::kNameBytesMax + 1, 'x'), "at most 128 bytes"},
      {"\xff", "UTF-8"},
      {"work", "another session"}};
  for (const auto& [name, says] : kBad) {
    const auto made = sessions_->create(soon(), "ann", name);
    ASSERT_FALSE(made.ok()) << says;
    EXPECT_EQ(made.error().field, "name");
    EXPECT_THAT(made.error().message, HasSubstr(says));
  }
  EXPECT_TRUE(sessions_->create(soon(), "ann", std::string(Sessions::kNameBytesMax, 'x')).ok());
}

TEST_F(TranscriptTest, TheLastUsedComesFirst) {
  const std::string a = new_session(), b = new_session();
  new_session("bob");
  time_.advance(Millis(5));
  say(a, "hello");
  const auto ids = [&](std::size_t count, std::size_t skip) {
    std::vector<std::string> all;
    const std::vector<Session> listed = sessions_->list(soon(), "ann", count, skip).value();
    for (const Session& session : listed) all.push_back(session.id);
    return all;
  };
  EXPECT_THAT(ids(10, 0), ElementsAre(a, b));
  EXPECT_THAT(ids(1, 0), ElementsAre(a));
  EXPECT_THAT(ids(10, 1), ElementsAre(b));
}

TEST_F(TranscriptTest, EverythingThatWasSaidComesBackAfterARestart) {
  const std::string session = new_session();
  Entry call{
      .message = {.role = chat::Role::Assistant,
                  .content = "",
                  .reasoning = "thoughts",
                  .tool_calls = {{"call_1", "find", "{\"q\": \"ü\"}"}, {"call_2", "now", "{}"}}},
      .turn = 3,
      .model = "ember",
      .tokens = {1, -2, 1 << 30},
      .tokens_prefix = "p",
      .tokens_begin = true};
  const Entry result{.message = {.role = chat::Role::Tool,
                                 .content = std::string("a\0b", 3),
                                 .tool_call_id = "call_1",
                                 .name = "find"},
                     .turn = 3};
  EXPECT_EQ(transcript_->append(soon(), session, {call, result}).value(), 0u);
  EXPECT_EQ(transcript_->append(soon(), session, {result}).value(), 2u);
  reopen();
  begin();
  const auto all = transcript_->read(soon(), session).value();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].message.role, chat::Role::Assistant);
  EXPECT_EQ(all[0].message.reasoning, "thoughts");
  ASSERT_EQ(all[0].message.tool_calls.size(), 2u);
  EXPECT_EQ(all[0].message.tool_calls[0].arguments, "{\"q\": \"ü\"}");
  EXPECT_EQ(all[0].tokens, call.tokens);
  EXPECT_EQ(all[0].tokens_prefix, "p");
  EXPECT_TRUE(all[0].tokens_begin);
  EXPECT_EQ(all[0].model, "ember");
  EXPECT_EQ(all[1].message.content, result.message.content);
  EXPECT_EQ(all[1].message.tool_call_id, "call_1");
  EXPECT_EQ(all[1].turn, 3u);
  EXPECT_EQ(all[2].number, 2u);
  EXPECT_EQ(all[2].created_ms, 1'700'000'000'000);
  EXPECT_EQ(transcript_->read(soon(), session, 1, 1).value().size(), 1u);
  EXPECT_EQ(transcript_->append(soon(), "sess_none", {result}).error().code, Code::NotFound);
}

TEST_F(TranscriptTest, TheLastMessagesAndATurnsAreFound) {
  const std::string session = new_session();
  for (std::uint32_t turn = 0; turn < 3; ++turn) {
    const Entry said{.message = {.content = std::to_string(turn)}, .turn = turn};
    ASSERT_TRUE(transcript_->append(soon(), session, {said, said}).ok());
  }
  const auto numbers = [](const std::vector<Entry>& entries) {
    std::vector<std::uint32_t> all;
    for (const Entry& entry : entries) all.push_back(entry.number);
    return all;
  };
  EXPECT_THAT(numbers(transcript_->read_last(soon(), session, 3).value()), ElementsAre(3, 4, 5));
  EXPECT_THAT(numbers(transcript_->read_last(soon(), session, 0).value()), IsEmpty());
  EXPECT_EQ(transcript_->read_last(soon(), session, 100).value().size(), 6u);
  EXPECT_THAT(numbers(transcript_->read_turn(soon(), session, 1).value()), ElementsAre(2, 3));
  EXPECT_THAT(numbers(transcript_->read_turn(soon(), session, 3).value()), IsEmpty());
}

TEST_F(TranscriptTest, WhatIsNoTextIsReplacedAndNotFatal) {
  const std::string session = new_session();
  const Entry cut{.message = {.role = chat::Role::Assistant,
                              .content = "",
                              .reasoning = "half \xc3",
                              .tool_calls = {{"call_1", "find", "{\"q\": \"\xe2\x82"}}}};
  ASSERT_TRUE(transcript_->append(soon(), session, {cut}).ok());
  const auto read = transcript_->read(soon(), session).value();
  EXPECT_EQ(read[0].message.reasoning, "half \xef\xbf\xbd");
}

TEST_F(TranscriptTest, AForkGoesItsOwnWay) {
  const std::string session = new_session();
  say(session, "first");
  const Session fork = sessions_->fork(soon(), "ann", session, "other").value();
  EXPECT_EQ(fork.parent, session);
  EXPECT_EQ(fork.messages, 1u);
  time_.advance(Millis(1));  // the one used last comes first
  say(fork.id, "second");
  EXPECT_EQ(transcript_->read(soon(), fork.id).value().size(), 2u);
  EXPECT_EQ(sessions_->find_named(soon(), "ann", "other").value().messages, 2u);
  EXPECT_EQ(sessions_->list(soon(), "ann").value().back().messages, 1u);
  EXPECT_EQ(transcript_->read(soon(), session).value().size(), 1u);
  ASSERT_TRUE(sessions_->remove(soon(), "ann", session).ok());
  EXPECT_THAT(transcript_->read(soon(), session).value(), IsEmpty());
  EXPECT_EQ(transcript_->read(soon(), fork.id).value().size(), 2u);
}

TEST_F(TranscriptTest, SearchFindsWordsAndTakesAnythingForWords) {
  const std::string session = new_session();
  say(session, "The red house stands on a hill. It's 5 o'clock.");
  say(session, "A blue house, \"quoted\".");
  say(new_session("bob"), "Bob's red house");
  EXPECT_EQ(found("house").size(), 2u);
  EXPECT_THAT(found("red house"),
              ElementsAre("The [red] [house] stands on a hill. It's 5 o'clock."));
  EXPECT_EQ(found("RED").size(), 1u);
  EXPECT_EQ(found("o'clock").size(), 1u);
  EXPECT_EQ(found("\"quoted\"").size(), 1u);
  for (const std::string words : {"",
                                  " ",
                                  "\"",
                                  "'",
                                  "?",
                                  "*",
                                  "NOT",
                                  "AND OR",
                                  "red NEAR house",
                                  "content:house",
                                  "(",
                                  "-house",
                                  "a\" OR \"b",
                                  "^",
                                  "{}",
                                  "\xff",
                                  "\"\"\"",
                                  ":",
                                  "?!",
                                  "\\"})
    EXPECT_TRUE(transcript_->search(soon(), "ann", words).ok()) << words;
  EXPECT_THAT(found("purple"), IsEmpty());
  const auto limit = Transcript::kSearchBytesMax;
  EXPECT_TRUE(transcript_->search(soon(), "ann", std::string(limit, 'x')).ok());
  EXPECT_EQ(transcript_->search(soon(), "ann", std::string(limit + 1, 'x')).error().code,
            Code::TooLarge);
  ASSERT_TRUE(sessions_->remove(soon(), "ann", session).ok());
  EXPECT_THAT(found("house"), IsEmpty());
}

/// Words that are nearly everywhere must not make a search slow: the latest matches are scored.
TEST_F(TranscriptTest, TheBestOfTheLatestComesFirst) {
  const std::string session = new_session();
  say(session, "needle");
  const auto add_long = [&](std::size_t count) {
    run("INSERT INTO messages (session_id, number, turn, role, content, created_ms) "
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(count) + ") SELECT '" + session +
        "', i + (SELECT max(number) FROM messages), 0, 'user', 'a needle in a large stack', 0 "
        "FROM n;");
  };
  add_long(Transcript::kScoredMax - 1);
  EXPECT_EQ(found("needle").front(), "[needle]");
  EXPECT_EQ(found("needle").size(), Transcript::kFoundMax);
  add_long(1);
  EXPECT_EQ(found("needle").front(), "a [needle] in a large stack");
}

TEST_F(TranscriptTest, OtherProgramsFindConversations) {
  const std::string session = new_session();
  say(session, "What is 2 + 2?");
  ASSERT_TRUE(transcript_
                  ->append(soon(), session,
                           {{.message = {.role = chat::Role::Assistant, .content = "Four."},
                             .model = "ember"}})
                  .ok());
  const auto read = store_->readers().read(soon(), [](Database& database) -> Result<void> {
    TRY(Query query, database.query("SELECT user_msg, assistant_msg, model, created_at "
                                    "FROM conversations"));
    EXPECT_TRUE(query.next().value());
    EXPECT_EQ(query.text(0), "What is 2 + 2?");
    EXPECT_EQ(query.text(1), "Four.");
    EXPECT_EQ(query.text(2), "ember");
    EXPECT_EQ(query.text(3), "2023-11-14 22:13:20");
    return ok();
  });
  EXPECT_TRUE(read.ok()) << read.error().message;
}

}  // namespace
}  // namespace hearth::store
