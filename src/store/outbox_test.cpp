#include "store/outbox.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using State = Outbound::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::soon;

class OutboxTest : public testing::StoreFixture {
 protected:
  OutboxTest() : session_(new_session()) {}
  Outbox outbox() { return {*store_, time_}; }
  Reply reply(const std::string& key, const std::string& to = "chat:1") const {
    return {.session_id = session_, .destination = to, .payload = "hi", .key = key};
  }
  std::int64_t enqueued(const std::string& key, const std::string& to = "chat:1") {
    return outbox().enqueue(soon(), reply(key, to)).value();
  }
  std::vector<std::int64_t> due(const std::string& prefix = "") {
    return ids(outbox().due(soon(), prefix).value());
  }
  static std::vector<std::int64_t> ids(const std::vector<Outbound>& all) {
    std::vector<std::int64_t> found;
    for (const Outbound& one : all) found.push_back(one.id);
    return found;
  }

  const std::string session_;
};

TEST_F(OutboxTest, AReplyGoesItsWayOnce) {
  const auto id = enqueued("a");
  reopen();
  ASSERT_THAT(due(), ElementsAre(id));
  const Outbound found = outbox().find(soon(), id).value();
  EXPECT_EQ(found.reply.payload, "hi");
  EXPECT_EQ(found.reply.destination, "chat:1");
  EXPECT_EQ(found.reply.session_id, session_);
  EXPECT_EQ(found.created_ms, time_.ms());
  ASSERT_TRUE(outbox().sending(soon(), id).ok());
  EXPECT_EQ(outbox().sending(soon(), id).error().code, Code::InvalidInput);
  EXPECT_THAT(due(), IsEmpty());
  reopen();  // whether it arrived is not known
  EXPECT_THAT(ids(outbox().unacknowledged(soon()).value()), ElementsAre(id));
  EXPECT_THAT(outbox().unacknowledged(soon(), "mail:").value(), IsEmpty());
  ASSERT_TRUE(outbox().acknowledge(soon(), id).ok());
  EXPECT_THAT(outbox().unacknowledged(soon()).value(), IsEmpty());
  EXPECT_EQ(outbox().find(soon(), id).value().ended_ms, time_.ms());
  for (const auto& again : {outbox().acknowledge(soon(), id), outbox().give_up(soon(), id, "x"),
                            outbox().retry(soon(), id, "x", 0), outbox().sending(soon(), id)}) {
    EXPECT_EQ(again.error().code, Code::InvalidInput);
    EXPECT_THAT(again.error().message, HasSubstr("acknowledged"));
  }
  EXPECT_EQ(outbox().sending(soon(), id + 1).error().code, Code::NotFound);
}

TEST_F(OutboxTest, TheSameReplyIsNotDoubled) {
  const auto id = enqueued("a");
  Reply again = reply("a");
  again.payload = "something else";
  EXPECT_EQ(outbox().enqueue(soon(), again).value(), id);
  EXPECT_EQ(outbox().find(soon(), id).value().reply.payload, "hi");
  EXPECT_EQ(number("SELECT count(*) FROM outbox"), 1);
}

TEST_F(OutboxTest, WhatDidNotArriveIsDueLaterAndNothingOvertakesIt) {
  const auto first = enqueued("a"), second = enqueued("b"), other = enqueued("c", "mail:2");
  EXPECT_THAT(due(), ElementsAre(first, other));
  EXPECT_THAT(due("chat:"), ElementsAre(first));
  EXPECT_THAT(due("mail:"), ElementsAre(other));
  EXPECT_EQ(outbox().due(soon(), "", 1).value().size(), 1u);
  ASSERT_TRUE(outbox().sending(soon(), first).ok());
  EXPECT_THAT(due("chat:"), IsEmpty());
  ASSERT_TRUE(outbox().retry(soon(), first, "no route", time_.ms() + 10).ok());
  EXPECT_THAT(due("chat:"), IsEmpty());
  time_.advance(Millis(10));
  EXPECT_THAT(due("chat:"), ElementsAre(first));
  ASSERT_TRUE(outbox().sending(soon(), first).ok());
  const Outbound found = outbox().find(soon(), first).value();
  EXPECT_EQ(found.attempts, 2u);
  EXPECT_EQ(found.last_error, "no route");
  ASSERT_TRUE(outbox().give_up(soon(), first, std::string(Outbox::kErrorBytesMax + 1, 'e')).ok());
  EXPECT_EQ(outbox().find(soon(), first).value().last_error.size(), Outbox::kErrorBytesMax);
  EXPECT_EQ(outbox().find(soon(), first).value().state, State::Failed);
  EXPECT_THAT(due("chat:"), ElementsAre(second));
  ASSERT_TRUE(outbox().give_up(soon(), second, "nobody there").ok());  // without an attempt
}

TEST_F(OutboxTest, BoundsAreSaidWithTheirField) {
  const auto changed = [&](auto change) {
    Reply bad = reply("a");
    change(bad);
    return outbox().enqueue(soon(), bad);
  };
  const auto many = [](std::size_t bytes) { return std::string(bytes, 'x'); };
  const std::tuple<Result<std::int64_t>, Code, const char*> kBad[] = {
      {changed([](Reply& r) { r.destination = ""; }), Code::InvalidInput, "destination"},
      {changed([](Reply& r) { r.key = ""; }), Code::InvalidInput, "key"},
      {changed([](Reply& r) { r.session_id = "none"; }), Code::NotFound, ""},
      {changed([&](Reply& r) { r.destination = many(Outbox::kDestinationBytesMax + 1); }),
       Code::TooLarge, "destination"},
      {changed([&](Reply& r) { r.key = many(Outbox::kKeyBytesMax + 1); }), Code::TooLarge, "key"},
      {changed([&](Reply& r) { r.payload = many(Outbox::kPayloadBytesMax + 1); }), Code::TooLarge,
       "payload"}};
  for (const auto& [got, code, field] : kBad) {
    ASSERT_FALSE(got.ok()) << field;
    EXPECT_EQ(got.error().code, code);
    EXPECT_EQ(got.error().field, field);
  }
  EXPECT_TRUE(changed([&](Reply& r) {
                r.destination = many(Outbox::kDestinationBytesMax);
                r.key = many(Outbox::kKeyBytesMax);
                r.payload = many(Outbox::kPayloadBytesMax);
              }).ok());
}

TEST_F(OutboxTest, ADestinationThatDoesNotAnswerIsBounded) {
  const auto first = enqueued("first");
  for (std::size_t i = 1; i < Outbox::kOpenMax; ++i) enqueued(std::to_string(i));
  EXPECT_EQ(outbox().enqueue(soon(), reply("one more")).error().code, Code::Busy);
  EXPECT_EQ(enqueued("first"), first);
  enqueued("elsewhere", "chat:2");
  ASSERT_TRUE(outbox().give_up(soon(), first, "").ok());
  EXPECT_TRUE(outbox().enqueue(soon(), reply("one more")).ok());
}

}  // namespace
}  // namespace hearth::store
