#include "store/responses.h"

#include "store/retention.h"
#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using ::testing::ElementsAre;
using testing::soon;
using State = Response::State;

class ResponsesTest : public testing::StoreFixture {
 protected:
  Responses responses() { return {*store_, time_}; }
  /// One that says `texts` behind what another one said.
  static ResponseEnd saying(const std::string& id, const std::vector<std::string>& texts,
                            const Response& behind = {}) {
    ResponseEnd end{.response = {.id = id, .owner = "ann", .body = "body of " + id, .input = "[]"},
                    .new_session_id = "sess_" + id,
                    .follows_session_id = behind.session_id,
                    .follows_messages = behind.messages};
    for (const std::string& text : texts) end.entries.push_back({.message = {.content = text}});
    return end;
  }
  Response finished(const ResponseEnd& end) {
    const auto done = responses().finish(soon(), end);
    EXPECT_TRUE(done.ok()) << done.error().message;
    return found(end.response.id);
  }
  Response found(const std::string& id) { return responses().find(soon(), "ann", id).value(); }
  std::vector<std::string> said(const Response& response) {
    std::vector<std::string> texts;
    const auto entries = Transcript(*store_, time_).read(soon(), response.session_id).value();
    for (const Entry& entry : entries)
      if (entry.number < response.messages) texts.push_back(entry.message.content);
    return texts;
  }
};

TEST_F(ResponsesTest, IsFoundAgainByItsOwnerAlone) {
  finished(saying("r1", {"q", "a"}));
  reopen();
  const Response found = this->found("r1");
  EXPECT_EQ(found.body, "body of r1");
  EXPECT_EQ(found.input, "[]");
  EXPECT_EQ(found.state, State::Done);
  EXPECT_EQ(found.created_ms, time_.ms());
  EXPECT_EQ(found.ended_ms, time_.ms());
  EXPECT_EQ(found.messages, 2u);
  EXPECT_THAT(said(found), ElementsAre("q", "a"));
  EXPECT_EQ(responses().find(soon(), "bob", "r1").error().code, Code::NotFound);
  EXPECT_EQ(responses().find(soon(), "ann", "r2").error().code, Code::NotFound);
}

TEST_F(ResponsesTest, ItsConversationIsNoSessionOfItsOwner) {
  finished(saying("r1", {"q", "a"}));
  EXPECT_TRUE(Sessions(*store_, time_).list(soon(), "ann").value().empty());
  EXPECT_TRUE(Transcript(*store_, time_).search(soon(), "ann", "q").value().empty());
}

TEST_F(ResponsesTest, FollowsTheEndInTheSameSession) {
  const Response first = finished(saying("r1", {"q1", "a1"}));
  const Response second = finished(saying("r2", {"q2", "a2"}, first));
  EXPECT_EQ(second.session_id, first.session_id);
  EXPECT_THAT(said(second), ElementsAre("q1", "a1", "q2", "a2"));
  EXPECT_THAT(said(found("r1")), ElementsAre("q1", "a1"));
}

TEST_F(ResponsesTest, FollowsAnEarlierOneInASessionOfItsOwn) {
  const Response first = finished(saying("r1", {"q1", "a1"}));
  finished(saying("r2", {"q2", "a2"}, first));
  const Response other = finished(saying("r3", {"q3", "a3"}, first));
  EXPECT_EQ(other.session_id, "sess_r3");
  EXPECT_THAT(said(other), ElementsAre("q1", "a1", "q3", "a3"));
  EXPECT_THAT(said(found("r2")), ElementsAre("q1", "a1", "q2", "a2"));
}

TEST_F(ResponsesTest, RunsAndEndsOnce) {
  const ResponseEnd end = saying("r1", {"q", "a"});
  ASSERT_TRUE(responses().begin(soon(), end.response).ok());
  EXPECT_EQ(found("r1").state, State::Running);
  EXPECT_FALSE(found("r1").ended_ms);
  EXPECT_EQ(responses().running(soon()).value().size(), 1u);
  EXPECT_EQ(finished(end).state, State::Done);
  EXPECT_TRUE(responses().running(soon()).value().empty());
  EXPECT_EQ(responses().finish(soon(), end).error().code, Code::NotFound);
  EXPECT_EQ(responses().break_off(soon(), "r1", State::Failed, "x").error().code, Code::NotFound);
  EXPECT_THAT(said(found("r1")), ElementsAre("q", "a"));
}

TEST_F(ResponsesTest, WhatWasCancelledIsNotFinished) {
  const ResponseEnd end = saying("r1", {"q", "a"});
  ASSERT_TRUE(responses().begin(soon(), end.response).ok());
  ASSERT_TRUE(responses().break_off(soon(), "r1", State::Cancelled, "cancelled").ok());
  EXPECT_EQ(responses().finish(soon(), end).error().code, Code::NotFound);
  EXPECT_EQ(found("r1").state, State::Cancelled);
  EXPECT_EQ(found("r1").body, "cancelled");
  EXPECT_EQ(number("SELECT count(*) FROM messages"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM sessions"), 0);
}

TEST_F(ResponsesTest, RemovingOneLeavesWhatOthersFollow) {
  const Response first = finished(saying("r1", {"q1", "a1"}));
  const Response second = finished(saying("r2", {"q2", "a2"}, first));
  finished(saying("r3", {"q3", "a3"}, second));
  EXPECT_EQ(responses().remove(soon(), "bob", "r1").error().code, Code::NotFound);
  ASSERT_TRUE(responses().remove(soon(), "ann", "r2").ok());
  EXPECT_THAT(said(found("r3")), ElementsAre("q1", "a1", "q2", "a2", "q3", "a3"));
  ASSERT_TRUE(responses().remove(soon(), "ann", "r3").ok());
  EXPECT_EQ(number("SELECT count(*) FROM messages"), 2);  // nobody follows the others any more
  ASSERT_TRUE(responses().remove(soon(), "ann", "r1").ok());
  EXPECT_EQ(number("SELECT count(*) FROM sessions"), 0);
  EXPECT_EQ(responses().remove(soon(), "ann", "r1").error().code, Code::NotFound);
}

TEST_F(ResponsesTest, WhatItFollowsMustBeThere) {
  const Response first = finished(saying("r1", {"q1", "a1"}));
  ASSERT_TRUE(responses().remove(soon(), "ann", "r1").ok());
  EXPECT_EQ(responses().finish(soon(), saying("r2", {"q"}, first)).error().code, Code::NotFound);
}

TEST_F(ResponsesTest, IsBounded) {
  ResponseEnd end = saying("r1", {"q"});
  end.response.body.assign(Responses::kBodyBytesMax, 'x');
  EXPECT_TRUE(responses().finish(soon(), end).ok());
  end.response.id = "r2";
  end.response.body += 'x';
  EXPECT_EQ(responses().finish(soon(), end).error().code, Code::TooLarge);
  EXPECT_EQ(responses().begin(soon(), end.response).error().code, Code::TooLarge);
  EXPECT_EQ(responses().break_off(soon(), "r1", State::Failed, end.response.body).error().code,
            Code::TooLarge);
}

TEST_F(ResponsesTest, ItsConversationGoesWithTheLastOfThem) {
  const Response first = finished(saying("r1", {"q1", "a1"}));
  time_.advance(Millis(1'000));
  finished(saying("r2", {"q2", "a2"}, first));
  new_session();
  RetentionLimits limits;
  limits.responses.rows_max = 1;
  ASSERT_TRUE(Retention(*store_, time_).sweep(soon(), limits).ok());
  EXPECT_EQ(responses().find(soon(), "ann", "r1").error().code, Code::NotFound);
  EXPECT_THAT(said(found("r2")), ElementsAre("q1", "a1", "q2", "a2"));
  limits.responses.rows_max = 0;
  ASSERT_TRUE(Retention(*store_, time_).sweep(soon(), limits).ok());
  EXPECT_EQ(number("SELECT count(*) FROM sessions"), 1);  // the one that is a person's
}

}  // namespace
}  // namespace hearth::store
