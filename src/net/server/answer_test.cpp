#include "net/server/answer.h"

#include <gtest/gtest.h>

namespace hearth::net {
namespace {

using Kind = Answer::Step::Kind;

class AnswerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kUnsentMax = 10;
  int wakes_ = 0;
  Answer answer_{kUnsentMax, [this] { ++wakes_; }};
};

TEST_F(AnswerTest, WholeAnswerIsTakenOnceAndLaterOnesAreIgnored) {
  EXPECT_EQ(answer_.take().kind, Kind::Nothing);
  answer_.respond({.status = 201, .body = "x"});
  answer_.respond({.status = 500});
  answer_.begin(200, {});
  EXPECT_FALSE(answer_.write("y"));
  answer_.fail();
  const auto step = answer_.take();
  EXPECT_EQ(step.kind, Kind::Whole);
  EXPECT_EQ(step.response.status, 201);
  EXPECT_EQ(wakes_, 1);
  answer_.close();
  EXPECT_FALSE(answer_.stop().stop_requested());
}

TEST_F(AnswerTest, PiecesThatWaitAreJoinedAndWakeOnce) {
  answer_.begin(200, {{"A", "b"}});
  EXPECT_TRUE(answer_.write("12"));
  EXPECT_TRUE(answer_.write("34"));
  EXPECT_EQ(wakes_, 1);
  auto step = answer_.take();
  EXPECT_EQ(step.kind, Kind::Stream);
  EXPECT_TRUE(step.begins);
  EXPECT_EQ(step.response.headers.size(), 1U);
  EXPECT_EQ(step.bytes, "1234");
  EXPECT_FALSE(step.ends);
  EXPECT_EQ(answer_.take().kind, Kind::Nothing);

  EXPECT_TRUE(answer_.write("5"));
  answer_.end();
  EXPECT_EQ(wakes_, 2);
  step = answer_.take();
  EXPECT_FALSE(step.begins);
  EXPECT_EQ(step.bytes, "5");
  EXPECT_TRUE(step.ends);
  EXPECT_FALSE(answer_.write("6"));
}

TEST_F(AnswerTest, UnsentLimitAtItsEdge) {
  answer_.begin(200, {});
  EXPECT_TRUE(answer_.write("123456"));
  EXPECT_EQ(answer_.take().bytes, "123456");  // taken, not sent: it still counts
  EXPECT_TRUE(answer_.write("7890"));         // exactly the limit
  answer_.sent(1);
  EXPECT_TRUE(answer_.write("x"));
  EXPECT_FALSE(answer_.stop().stop_requested());
  EXPECT_FALSE(answer_.write("y"));  // one byte above
  EXPECT_TRUE(answer_.stop().stop_requested());
  EXPECT_EQ(answer_.take().kind, Kind::Broken);
  EXPECT_FALSE(answer_.write(""));
}

TEST_F(AnswerTest, ClientThatLeftGetsNoPiecesButAWholeAnswer) {
  answer_.client_left();
  EXPECT_TRUE(answer_.stop().stop_requested());
  answer_.respond({.status = 200});
  EXPECT_EQ(answer_.take().kind, Kind::Whole);

  Answer stream(kUnsentMax, nullptr);
  stream.begin(200, {});
  stream.client_left();
  EXPECT_FALSE(stream.write("x"));
}

TEST_F(AnswerTest, NothingReachesTheConnectionAfterAbandon) {
  answer_.abandon();
  EXPECT_TRUE(answer_.stop().stop_requested());
  answer_.respond({});
  answer_.begin(200, {});
  EXPECT_FALSE(answer_.write("x"));
  answer_.end();
  answer_.fail();
  EXPECT_EQ(wakes_, 0);
}

TEST_F(AnswerTest, DroppedExchangeFails) {
  auto answer = std::make_shared<Answer>(kUnsentMax, nullptr);
  { HandlerExchange exchange(answer); }
  EXPECT_EQ(answer->take().kind, Kind::Failed);

  auto cut = std::make_shared<Answer>(kUnsentMax, nullptr);
  {
    HandlerExchange exchange(cut);
    exchange.begin(200, {});
  }
  EXPECT_EQ(cut->take().kind, Kind::Broken);

  auto done = std::make_shared<Answer>(kUnsentMax, nullptr);
  {
    HandlerExchange exchange(done);
    exchange.begin(200, {});
    exchange.end();
  }
  EXPECT_TRUE(done->take().ends);
}

TEST_F(AnswerTest, StopCallbackMayCallBack) {
  answer_.begin(200, {});
  const std::stop_callback on_stop(answer_.stop(), [this] { answer_.end(); });
  EXPECT_FALSE(answer_.write(std::string(kUnsentMax + 1, 'x')));
}

}  // namespace
}  // namespace hearth::net
