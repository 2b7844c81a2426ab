#include "store/approvals.h"

#include <atomic>
#include <thread>

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using State = Approval::State;
using ::testing::HasSubstr;
using testing::soon;
using ::testing::StartsWith;

class ApprovalsTest : public testing::StoreFixture {
 protected:
  ApprovalsTest() : session_(new_session()) {}
  Approvals approvals() { return {*store_, time_}; }
  Asked asked(const std::string& call_id = "call_1") const {
    return {.session_id = session_,
            .owner = "ann",
            .turn = 2,
            .call_id = call_id,
            .tool = "write_file",
            .target = "notes.md",
            .arguments = "{}",
            .preview = "+ new line",
            .expires_ms = time_.ms() + 1'000};
  }
  std::size_t waiting(const std::string& owner = "ann") {
    return approvals().waiting(soon(), owner).value().size();
  }

  const std::string session_;
};

TEST_F(ApprovalsTest, AQuestionWaitsThroughARestartForItsOwner) {
  const Approval made = approvals().ask(soon(), asked()).value();
  EXPECT_THAT(made.id, StartsWith("appr_"));
  reopen();
  const Approval found = approvals().find(soon(), "ann", made.id).value();
  EXPECT_EQ(found.state, State::Waiting);
  EXPECT_EQ(found.asked.tool, "write_file");
  EXPECT_EQ(found.asked.target, "notes.md");
  EXPECT_EQ(found.asked.preview, "+ new line");
  EXPECT_EQ(found.asked.turn, 2u);
  EXPECT_EQ(found.asked.expires_ms, time_.ms() + 1'000);
  EXPECT_EQ(found.created_ms, time_.ms());
  EXPECT_FALSE(found.decided_ms);
  EXPECT_EQ(waiting(), 1u);
  EXPECT_EQ(waiting("bob"), 0u);
  EXPECT_EQ(approvals().waiting(soon(), "ann", session_).value().size(), 1u);
  EXPECT_EQ(approvals().waiting(soon(), "ann", new_session()).value().size(), 0u);
  EXPECT_EQ(approvals().of_turn(soon(), session_, 2).value().size(), 1u);
  EXPECT_EQ(approvals().of_turn(soon(), session_, 1).value().size(), 0u);
  EXPECT_EQ(approvals().find(soon(), "bob", made.id).error().code, Code::NotFound);
  EXPECT_EQ(approvals().decide(soon(), "bob", made.id, {.allow = true, .by = "bob"}).error().code,
            Code::NotFound);
}

TEST_F(ApprovalsTest, ItIsDecidedOnce) {
  const std::string id = approvals().ask(soon(), asked()).value().id;
  const auto decided = approvals().decide(
      soon(), "ann", id, {.allow = true, .scope = ApprovalScope::Session, .by = "terminal"});
  EXPECT_EQ(decided.value().state, State::Allowed);
  EXPECT_EQ(waiting(), 0u);
  const auto again = approvals().decide(soon(), "ann", id, {.allow = false, .by = "phone"});
  EXPECT_EQ(again.error().code, Code::InvalidInput);
  EXPECT_THAT(again.error().message, HasSubstr("already allowed (session) by terminal"));
  const Approval found = approvals().find(soon(), "ann", id).value();
  EXPECT_EQ(found.state, State::Allowed);
  EXPECT_EQ(found.scope, ApprovalScope::Session);
  EXPECT_EQ(found.decided_by, "terminal");
  EXPECT_EQ(found.decided_ms, time_.ms());
  // A turn that is done again is not asked again.
  EXPECT_EQ(approvals().ask(soon(), asked()).value().id, id);
  EXPECT_EQ(approvals().ask(soon(), asked()).value().state, State::Allowed);
}

TEST_F(ApprovalsTest, OfManyWhoDecideAtOnceOneDoes) {
  const std::string id = approvals().ask(soon(), asked()).value().id;
  std::atomic<int> decided = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        decided += approvals().decide(soon(), "ann", id, {.allow = i % 2 == 0, .by = "x"}).ok();
      });
    }
  }
  EXPECT_EQ(decided, 1);
}

TEST_F(ApprovalsTest, UnansweredOnesExpire) {
  const std::string id = approvals().ask(soon(), asked()).value().id;
  time_.advance(Millis(999));
  EXPECT_TRUE(approvals().expire(soon()).value().empty());
  EXPECT_EQ(waiting(), 1u);
  time_.advance(Millis(1));
  EXPECT_EQ(waiting(), 0u);  // also before it is written down
  EXPECT_EQ(approvals().find(soon(), "ann", id).value().state, State::Expired);
  const auto late = approvals().decide(soon(), "ann", id, {.allow = true, .by = "ann"});
  EXPECT_EQ(late.error().code, Code::InvalidInput);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
  const auto expired = approvals().expire(soon()).value();
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].id, id);
  EXPECT_EQ(expired[0].state, State::Expired);
  EXPECT_TRUE(approvals().expire(soon()).value().empty());
  EXPECT_EQ(number("SELECT count(*) FROM approvals WHERE state = 'expired'"), 1);
}

TEST_F(ApprovalsTest, BoundsAreSaidWithTheirField) {
  const auto changed = [&](auto change) {
    Asked bad = asked("edge");
    change(bad);
    return approvals().ask(soon(), bad);
  };
  const std::string name(Approvals::kNameBytesMax, 'x'), text(Approvals::kTextBytesMax, 'x');
  const std::string target(Approvals::kTargetBytesMax, 'x');
  const std::tuple<Result<Approval>, Code, const char*> kBad[] = {
      {changed([](Asked& a) { a.call_id = ""; }), Code::InvalidInput, "call_id"},
      {changed([](Asked& a) { a.tool = ""; }), Code::InvalidInput, "tool"},
      {changed([](Asked& a) { a.owner = "bob"; }), Code::NotFound, ""},
      {changed([](Asked& a) { a.session_id = "none"; }), Code::NotFound, ""},
      {changed([&](Asked& a) { a.call_id = name + "x"; }), Code::TooLarge, "call_id"},
      {changed([&](Asked& a) { a.tool = name + "x"; }), Code::TooLarge, "tool"},
      {changed([&](Asked& a) { a.target = target + "x"; }), Code::TooLarge, "target"},
      {changed([&](Asked& a) { a.arguments = text + "x"; }), Code::TooLarge, "arguments"}};
  for (const auto& [got, code, field] : kBad) {
    ASSERT_FALSE(got.ok()) << field;
    EXPECT_EQ(got.error().code, code);
    EXPECT_EQ(got.error().field, field);
  }
  const auto most = changed([&](Asked& a) {
    a.call_id = a.tool = name;
    a.target = target;
    a.arguments = text;
    a.preview = text + "x";  // shown to people: cut
  });
  ASSERT_TRUE(most.ok());
  EXPECT_EQ(most.value().asked.preview.size(), Approvals::kTextBytesMax);
  const auto by = [&](const std::string& who) {
    return approvals().decide(soon(), "ann", most.value().id, {.allow = true, .by = who});
  };
  EXPECT_EQ(by(name + "x").error().field, "by");
  EXPECT_TRUE(by(name).ok());
}

TEST_F(ApprovalsTest, AsManyWaitAsAPersonCanLookAt) {
  for (std::size_t i = 0; i < Approvals::kWaitingMax; ++i)
    ASSERT_TRUE(approvals().ask(soon(), asked(std::to_string(i))).ok());
  EXPECT_EQ(approvals().ask(soon(), asked("one more")).error().code, Code::Busy);
  EXPECT_TRUE(approvals().ask(soon(), asked("0")).ok());  // is asked already
  time_.advance(Millis(1'000));
  EXPECT_TRUE(approvals().ask(soon(), asked("one more")).ok());  // the others are over
}

}  // namespace
}  // namespace hearth::store
