#include "store/turns.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::IsEmpty;
using testing::soon;

class TurnsTest : public testing::StoreFixture {
 protected:
  TurnsTest() : session_(new_session()) {}
  Inbox inbox() { return {*store_, time_}; }
  Turns turns() { return {*store_, time_}; }
  Inbound running(const std::string& session) {
    const Offer offer{.session_id = session, .owner = "ann", .message = {.content = "hello"}};
    EXPECT_TRUE(inbox().accept(soon(), offer).ok());
    return inbox().begin(soon(), session).value().value();
  }
  TurnEnd end_of(const Inbound& message) const {
    return {.message_id = message.id,
            .entries = {{.message = message.offer.message},
                        {.message = {.role = chat::Role::Assistant, .content = "hi"}}},
            .replies = {{.session_id = message.offer.session_id,
                         .destination = "chat:1",
                         .payload = "hi",
                         .key = "reply " + std::to_string(message.id)}}};
  }
  void expect_nothing_happened(const Inbound& message) {
    EXPECT_THAT(Transcript(*store_, time_).read(soon(), session_).value(), IsEmpty());
    EXPECT_EQ(number("SELECT count(*) FROM outbox"), 0);
    EXPECT_EQ(inbox().find(soon(), "ann", message.id).value().state, Inbound::State::Running);
  }

  const std::string session_;
};

TEST_F(TurnsTest, TheEndOfATurnIsOneThing) {
  const Inbound message = running(session_);
  time_.advance(Millis(5));
  EXPECT_EQ(turns().commit(soon(), end_of(message)).value(), 0u);
  reopen();
  const auto said = Transcript(*store_, time_).read_turn(soon(), session_, 0).value();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1].message.content, "hi");
  EXPECT_EQ(Outbox(*store_, time_).due(soon()).value().size(), 1u);
  EXPECT_EQ(inbox().find(soon(), "ann", message.id).value().state, Inbound::State::Done);
  EXPECT_EQ(Sessions(*store_, time_).find(soon(), "ann", session_).value().used_ms, time_.ms());
  const Inbound next = running(session_);
  EXPECT_EQ(next.turn, 1u);
  EXPECT_EQ(turns().commit(soon(), end_of(next)).value(), 2u);
}

TEST_F(TurnsTest, ItIsNotSaidTwice) {
  const Inbound message = running(session_);
  ASSERT_TRUE(turns().commit(soon(), end_of(message)).ok());
  TurnEnd again = end_of(message);
  again.replies[0].key = "another";
  EXPECT_EQ(turns().commit(soon(), again).error().code, Code::InvalidInput);
  EXPECT_EQ(Transcript(*store_, time_).read(soon(), session_).value().size(), 2u);
  EXPECT_EQ(number("SELECT count(*) FROM outbox"), 1);
}

TEST_F(TurnsTest, WhatCannotBeWholeIsNotBegun) {
  const Inbound message = running(session_);
  TurnEnd bad = end_of(message);
  bad.replies.push_back({.session_id = session_, .destination = "", .payload = "", .key = "b"});
  EXPECT_EQ(turns().commit(soon(), bad).error().field, "destination");
  expect_nothing_happened(message);
  bad = end_of(message);
  bad.message_id += 1;
  EXPECT_EQ(turns().commit(soon(), bad).error().code, Code::NotFound);
  expect_nothing_happened(message);
}

TEST_F(TurnsTest, AFailedTurnLeavesItsMessagesAndTheReason) {
  const Inbound message = running(session_);
  TurnEnd failed = end_of(message);
  failed.end = Inbound::State::Failed;
  failed.reason = "the model is gone";
  ASSERT_TRUE(turns().commit(soon(), failed).ok());
  EXPECT_EQ(inbox().find(soon(), "ann", message.id).value().reason, "the model is gone");
}

/// However a turn ends: what tools did in it is not hidden from whoever reads it.
TEST_F(TurnsTest, WhatToolsDidIsInTheTranscriptAtTheEnd) {
  const Inbound message = running(session_);
  Effects effects(*store_, time_);
  const auto begin = [&](const char* call_id, EffectClass effect) {
    const ToolRun run{.session_id = session_,
                      .call_id = call_id,
                      .tool = "do",
                      .arguments = "{}",
                      .effect = effect};
    return effects.intend(soon(), run).value().effect.id;
  };
  ASSERT_TRUE(effects.finish(soon(), begin("told", EffectClass::Writes), "known").ok());
  ASSERT_TRUE(effects.finish(soon(), begin("done", EffectClass::Writes), "made").ok());
  ASSERT_TRUE(effects.fail(soon(), begin("failed", EffectClass::Writes), "no room").ok());
  begin("cut off", EffectClass::Writes);
  begin("read", EffectClass::Reads);
  ASSERT_TRUE(effects.finish(soon(), begin("about to be", EffectClass::Writes), "said").ok());
  const auto result = [](const char* id, const char* text) {
    return Entry{.message = {.role = chat::Role::Tool, .content = text, .tool_call_id = id}};
  };
  Transcript transcript(*store_, time_);
  ASSERT_TRUE(transcript.append(soon(), session_, {result("told", "known")}).ok());
  ASSERT_TRUE(turns()
                  .commit(soon(), {.message_id = message.id,
                                   .entries = {result("about to be", "said")},
                                   .end = Inbound::State::Dropped,
                                   .reason = "cancelled"})
                  .ok());
  std::vector<std::string> told;
  const auto entries = transcript.read(soon(), session_).value();
  for (const Entry& entry : entries)
    told.push_back(entry.message.tool_call_id + ": " + entry.message.content);
  using ::testing::HasSubstr;
  EXPECT_THAT(told, ::testing::ElementsAre("told: known", "done: made", "failed: error: no room",
                                           HasSubstr("cut off: uncertain: "), "about to be: said"));
  EXPECT_EQ(number("SELECT count(*) FROM effects WHERE state = 'uncertain'"), 1);
}

TEST_F(TurnsTest, AMessageThatWasNeverBegunHasNoTurn) {
  const Offer offer{.session_id = session_, .owner = "ann", .message = {.content = "hello"}};
  const Inbound waiting = inbox().accept(soon(), offer).value().inbound;
  EXPECT_EQ(turns().commit(soon(), end_of(waiting)).error().code, Code::InvalidInput);
}

TEST_F(TurnsTest, ARestartFindsWhereTurnsGoOn) {
  const std::string idle = new_session(), waits = new_session();
  const Offer waiting{.session_id = waits, .owner = "ann", .message = {.content = "hello"}};
  ASSERT_TRUE(inbox().accept(soon(), waiting).ok());
  running(session_);
  ASSERT_TRUE(inbox().accept(soon(), waiting).ok());
  ASSERT_TRUE(turns().commit(soon(), end_of(running(idle))).ok());
  Effects effects(*store_, time_);
  ToolRun run{.session_id = session_, .call_id = "a", .tool = "read_file", .arguments = "{}"};
  ASSERT_TRUE(effects.intend(soon(), run).ok());
  run.call_id = "b";
  run.effect = EffectClass::Writes;
  ASSERT_TRUE(effects.intend(soon(), run).ok());
  reopen();
  const Left left = turns().recover(soon()).value();
  EXPECT_THAT(left.sessions, ::testing::ElementsAre(waits, session_));
  EXPECT_EQ(left.uncertain, 1u);
  EXPECT_EQ(number("SELECT count(*) FROM effects WHERE state = 'uncertain'"), 1);
  EXPECT_EQ(turns().recover(soon()).value().uncertain, 0u);
}

}  // namespace
}  // namespace hearth::store
