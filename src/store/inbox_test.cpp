#include "store/inbox.h"

#include <atomic>
#include <thread>

#include "store/testing/fixture.h"
#include "store/transcript.h"

namespace hearth::store {
namespace {

using State = Inbound::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::soon;

class InboxTest : public testing::StoreFixture {
 protected:
  Inbox inbox() { return {*store_, time_}; }
  static Offer offer(const std::string& session, const std::string& text = "hello") {
    return {.session_id = session, .owner = "ann", .message = {.content = text}};
  }
  std::int64_t accepted(const std::string& session, const std::string& text = "hello") {
    return inbox().accept(soon(), offer(session, text)).value().inbound.id;
  }
};

TEST_F(InboxTest, AMessageIsThereAfterARestartWithAllThatItsTurnNeeds) {
  const std::string session = new_session();
  Offer said = offer(session, std::string("a\0\"ü", 5));
  said.message.role = chat::Role::Tool;
  said.message.tool_call_id = "call_1";
  said.options = R"({"temperature": 0})";
  said.key = "k";
  said.digest = "d";
  const auto id = inbox().accept(soon(), said).value().inbound.id;
  reopen();
  const Inbound found = inbox().find(soon(), "ann", id).value();
  EXPECT_EQ(found.offer.message.content, said.message.content);
  EXPECT_EQ(found.offer.message.role, chat::Role::Tool);
  EXPECT_EQ(found.offer.message.tool_call_id, "call_1");
  EXPECT_EQ(found.offer.options, said.options);
  EXPECT_EQ(found.offer.key, "k");
  EXPECT_EQ(found.offer.digest, "d");
  EXPECT_EQ(found.offer.session_id, session);
  EXPECT_EQ(found.state, State::Waiting);
  EXPECT_EQ(found.created_ms, time_.ms());
  EXPECT_FALSE(found.turn || found.ended_ms);
  EXPECT_EQ(inbox().find(soon(), "bob", id).error().code, Code::NotFound);
  EXPECT_EQ(inbox().find(soon(), "ann", id + 1).error().code, Code::NotFound);
}

TEST_F(InboxTest, OnlyTheOwnerOfASessionSpeaksInIt) {
  Offer foreign = offer(new_session("bob"));
  EXPECT_EQ(inbox().accept(soon(), foreign).error().code, Code::NotFound);
  EXPECT_EQ(inbox().accept(soon(), offer("sess_none")).error().code, Code::NotFound);
}

TEST_F(InboxTest, ARepeatedKeyGivesTheMessageOfThen) {
  const std::string session = new_session();
  Offer first = offer(session);
  first.key = "k";
  first.digest = "one";
  const Inbox::Accepted made = inbox().accept(soon(), first).value();
  EXPECT_TRUE(made.is_new);
  ASSERT_TRUE(inbox().begin(soon(), session).value());
  ASSERT_TRUE(inbox().finish(soon(), made.inbound.id).ok());
  while (inbox().accept(soon(), offer(session)).ok()) {
  }  // until the mailbox is full
  const Inbox::Accepted again = inbox().accept(soon(), first).value();
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.inbound.id, made.inbound.id);
  EXPECT_EQ(again.inbound.state, State::Done);
  EXPECT_EQ(again.inbound.turn, 0u);

  Offer other = first;
  other.digest = "two";
  const auto refused = inbox().accept(soon(), other);
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_EQ(refused.error().field, "Idempotency-Key");
  other = first;
  other.session_id = new_session();
  EXPECT_EQ(inbox().accept(soon(), other).error().field, "Idempotency-Key");
  other.session_id = new_session("bob");  // a key is one owner's
  other.owner = "bob";
  EXPECT_TRUE(inbox().accept(soon(), other).value().is_new);
}

TEST_F(InboxTest, BoundsAreSaidWithTheirField) {
  const std::string session = new_session();
  const auto with_key = [&](const std::string& key) {
    Offer said = offer(session);
    said.key = key;
    return said;
  };
  Offer long_options = offer(session), long_message = offer(session), long_digest = offer(session);
  long_options.options = std::string(Inbox::kMessageBytesMax + 1, ' ');
  long_message.message.content = std::string(Inbox::kMessageBytesMax, 'x');  // and its frame
  long_digest.digest = std::string(Inbox::kDigestBytesMax + 1, 'x');
  const std::tuple<Offer, Code, const char*> kBad[] = {
      {with_key(""), Code::InvalidInput, "Idempotency-Key"},
      {with_key("\xff"), Code::InvalidInput, "Idempotency-Key"},
      {with_key(std::string(Inbox::kKeyBytesMax + 1, 'k')), Code::TooLarge, "Idempotency-Key"},
      {long_options, Code::TooLarge, "options"},
      {long_message, Code::TooLarge, "message"},
      {long_digest, Code::TooLarge, "digest"}};
  for (const auto& [bad, code, field] : kBad) {
    const auto refused = inbox().accept(soon(), bad);
    ASSERT_FALSE(refused.ok()) << field;
    EXPECT_EQ(refused.error().code, code) << refused.error().message;
    EXPECT_EQ(refused.error().field, field);
  }
  Offer most = with_key(std::string(Inbox::kKeyBytesMax, 'k'));
  most.options = std::string(Inbox::kMessageBytesMax, ' ');
  most.digest = std::string(Inbox::kDigestBytesMax, 'x');
  EXPECT_TRUE(inbox().accept(soon(), most).ok());
}

/// However many come at once: as many as the mailbox holds, of which none is lost.
TEST_F(InboxTest, TheMailboxCannotBeRacedPast) {
  const std::string session = new_session(), other = new_session();
  std::atomic<std::size_t> taken = 0, refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int each = 0; each < 10; ++each) {
          const auto done = inbox().accept(soon(), offer(session));
          taken += done.ok();
          refused += !done.ok() && done.error().code == Code::Busy;
        }
      });
    }
  }
  EXPECT_EQ(taken, Inbox::kWaitingMax);
  EXPECT_EQ(refused, 40 - Inbox::kWaitingMax);
  EXPECT_EQ(inbox().waiting(soon(), session).value(), Inbox::kWaitingMax);
  EXPECT_TRUE(inbox().accept(soon(), offer(other)).ok());
  ASSERT_TRUE(inbox().begin(soon(), session).value());
  EXPECT_TRUE(inbox().accept(soon(), offer(session)).ok());  // a running one does not wait
}

TEST_F(InboxTest, OneTurnAtATimeInTheOrderOfTheirComing) {
  const std::string session = new_session();
  EXPECT_FALSE(inbox().begin(soon(), session).value());
  const auto a = accepted(session, "a"), b = accepted(session, "b");
  const Inbound first = inbox().begin(soon(), session).value().value();
  EXPECT_EQ(first.id, a);
  EXPECT_EQ(first.state, State::Running);
  EXPECT_EQ(first.turn, 0u);
  EXPECT_EQ(first.attempts, 1u);
  EXPECT_FALSE(inbox().begin(soon(), session).value());
  ASSERT_TRUE(inbox().finish(soon(), a).ok());
  const Inbound second = inbox().begin(soon(), session).value().value();
  EXPECT_EQ(second.id, b);
  EXPECT_EQ(second.turn, 1u);
  EXPECT_TRUE(inbox().begin(soon(), new_session()).ok());
}

TEST_F(InboxTest, TurnsGoOnBehindThoseOfTheTranscript) {
  const std::string session = new_session();
  Transcript transcript(*store_, time_);
  ASSERT_TRUE(transcript.append(soon(), session, {{.message = {.content = ""}, .turn = 41}}).ok());
  accepted(session);
  EXPECT_EQ(inbox().begin(soon(), session).value()->turn, 42u);
}

TEST_F(InboxTest, AnEndIsSaidOnce) {
  using Step = std::function<Result<void>(Inbox&, std::int64_t)>;
  const Step finish = [](Inbox& in, std::int64_t id) { return in.finish(soon(), id); };
  const Step fail = [](Inbox& in, std::int64_t id) { return in.fail(soon(), id, "why"); };
  const Step drop = [](Inbox& in, std::int64_t id) { return in.drop(soon(), id, "why"); };
  const Step put_back = [](Inbox& in, std::int64_t id) { return in.put_back(soon(), id); };
  struct Case {
    const char* what;
    Step step;
    bool from_waiting;
    State end;
  };
  const Case kCases[] = {{"finish", finish, false, State::Done},
                         {"fail", fail, true, State::Failed},
                         {"drop", drop, true, State::Dropped}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    const std::string session = new_session();
    Inbox in = inbox();
    const auto waiting = accepted(session);
    EXPECT_EQ(c.step(in, waiting).ok(), c.from_waiting);
    const auto running = c.from_waiting ? accepted(session) : waiting;
    ASSERT_EQ(in.begin(soon(), session).value()->id, running);
    ASSERT_TRUE(c.step(in, running).ok());
    const Inbound ended = in.find(soon(), "ann", running).value();
    EXPECT_EQ(ended.state, c.end);
    EXPECT_EQ(ended.reason, c.end == State::Done ? "" : "why");
    EXPECT_EQ(ended.ended_ms, time_.ms());
    for (const Step& again : {finish, fail, drop, put_back}) {
      const auto refused = again(in, running);
      EXPECT_EQ(refused.error().code, Code::InvalidInput);
      EXPECT_THAT(refused.error().message, HasSubstr(inbound_state_name(c.end)));
    }
    EXPECT_EQ(c.step(in, running + 100).error().code, Code::NotFound);
  }
}

TEST_F(InboxTest, AKeyIsFoundByItsOwner) {
  const std::string session = new_session();
  const Offer offer{
      .session_id = session, .owner = "ann", .message = {.content = "a"}, .key = "k-1"};
  const auto id = inbox().accept(soon(), offer).value().inbound.id;
  EXPECT_EQ(inbox().find_key(soon(), "ann", "k-1").value()->id, id);
  EXPECT_FALSE(inbox().find_key(soon(), "ann", "k-2").value());
  EXPECT_FALSE(inbox().find_key(soon(), "eve", "k-1").value());
}

TEST_F(InboxTest, AReasonIsCut) {
  const auto id = accepted(new_session());
  ASSERT_TRUE(inbox().fail(soon(), id, std::string(Inbox::kReasonBytesMax + 1, 'x')).ok());
  EXPECT_EQ(inbox().find(soon(), "ann", id).value().reason.size(), Inbox::kReasonBytesMax);
}

TEST_F(InboxTest, WhatACrashLeftIsFoundAndBegunAgainAsTheSameTurn) {
  const std::string session = new_session();
  const auto a = accepted(session), b = accepted(session), c = accepted(new_session("ann"));
  ASSERT_TRUE(inbox().begin(soon(), session).value());
  ASSERT_TRUE(inbox().drop(soon(), c, "").ok());
  reopen();
  const auto left = inbox().unfinished_of(soon(), session).value();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id, a);
  EXPECT_EQ(left[0].state, State::Running);
  EXPECT_EQ(left[1].id, b);
  ASSERT_TRUE(inbox().put_back(soon(), a).ok());
  const Inbound again = inbox().begin(soon(), session).value().value();
  EXPECT_EQ(again.id, a);
  EXPECT_EQ(again.turn, 0u);
  EXPECT_EQ(again.attempts, 2u);
}

TEST_F(InboxTest, ASessionTakesItsMessagesAlong) {
  const std::string session = new_session();
  accepted(session);
  ASSERT_TRUE(Sessions(*store_, time_).remove(soon(), "ann", session).ok());
  EXPECT_TRUE(inbox().unfinished_of(soon(), session).value().empty());
  EXPECT_FALSE(inbox().begin(soon(), session).value());
}

}  // namespace
}  // namespace hearth::store
