#include "model/pool/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::model::pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Seat::State;
using Kind = Step::Kind;

const Clock::time_point kStart = Clock::time_point(std::chrono::hours(1));
Clock::time_point at(int seconds) { return kStart + std::chrono::seconds(seconds); }

Seat out(std::uint64_t bytes) { return {.memory_bytes = bytes}; }
Seat wanted(std::uint64_t bytes, int since) {
  return {.memory_bytes = bytes, .waiting = 1, .wanted_since = at(since)};
}
Seat in(std::uint64_t bytes, int since, int used, std::size_t working = 0) {
  return {.state = State::In,
          .memory_bytes = bytes,
          .working = working,
          .in_since = at(since),
          .used = at(used)};
}
Seat as(State state, Seat seat) {
  seat.state = state;
  return seat;
}
Seat pinned(Seat seat) {
  seat.pinned = true;
  return seat;
}
Seat dismissed(Seat seat) {
  seat.dismissed = true;
  return seat;
}
Seat idle_after(Seat seat, int seconds) {
  seat.idle_timeout = std::chrono::seconds(seconds);
  return seat;
}

constexpr Limits kTen{
    .memory_bytes_max = 10, .residence_min = Millis(5'000), .linger = Millis(1'000)};

struct Row {
  const char* what;
  std::vector<Seat> seats;
  int now;
  std::vector<Step> steps;
  int look_again = -1;  // never
};

TEST(Plan, DecidesWhoComesAndWhoGoes) {
  const Row rows[] = {
      {"nobody wants anything", {out(4), in(4, 0, 0)}, 9, {}},
      {"there is room", {in(6, 0, 0), wanted(4, 1)}, 9, {{Kind::Load, 1}}},
      {"room for both that wait",
       {wanted(6, 2), wanted(4, 1)},
       9,
       {{Kind::Load, 1}, {Kind::Load, 0}}},
      {"an idle one goes soon", {in(6, 7, 8), wanted(6, 9)}, 9, {{Kind::Leave, 0}}},
      {"not at once", {in(6, 7, 9), wanted(6, 9)}, 9, {}, 10},
      {"unless its turn is over", {in(6, 4, 9), wanted(6, 9)}, 9, {{Kind::Leave, 0}}},
      {"the one unused for longest goes",
       {in(5, 0, 7), in(5, 0, 3), wanted(4, 8)},
       9,
       {{Kind::Leave, 1}}},
      {"as many go as are needed",
       {in(5, 0, 7), in(5, 0, 3), wanted(6, 8)},
       9,
       {{Kind::Leave, 1}, {Kind::Leave, 0}}},
      {"one that works stays for its time", {in(6, 5, 9, 1), wanted(6, 9)}, 9, {}, 10},
      {"and then ends what it does", {in(6, 5, 9, 1), wanted(6, 9)}, 10, {{Kind::Close, 0}}},
      {"is not asked twice", {as(State::Closing, in(6, 5, 9, 1)), wanted(6, 9)}, 11, {}},
      {"goes when it has ended it",
       {as(State::Closing, in(6, 5, 9)), wanted(6, 9)},
       11,
       {{Kind::Leave, 0}}},
      {"stays if nobody waits any more",
       {as(State::Closing, in(6, 5, 9, 1)), out(6)},
       11,
       {{Kind::Reopen, 0}}},
      {"room is not there before it is empty",
       {as(State::Leaving, in(6, 5, 9)), wanted(6, 9)},
       11,
       {}},
      {"whoever loads is not put out", {as(State::Loading, in(6, 0, 0)), wanted(6, 9)}, 20, {}},
      {"who waits longest is not overtaken by a small one",
       {in(6, 8, 9, 1), wanted(8, 7), wanted(4, 8)},
       9,
       {},
       13},
      {"a pinned one never goes", {pinned(in(6, 0, 0)), wanted(6, 1)}, 99, {}},
      {"nor is room made for what cannot come",
       {pinned(in(6, 0, 0)), in(4, 0, 0), wanted(6, 1)},
       99,
       {}},
      {"it is too large for all there is", {in(4, 0, 0), wanted(11, 1)}, 99, {}},
      {"dismissed, it ends what it does", {dismissed(in(4, 0, 3, 1))}, 9, {{Kind::Close, 0}}},
      {"and goes, pinned or not",
       {dismissed(pinned(in(4, 0, 3)))},
       9,
       {{Kind::Close, 0}, {Kind::Leave, 0}}},
      {"idle for long enough", {idle_after(in(4, 0, 3), 5)}, 8, {{Kind::Leave, 0}}},
      {"not yet", {idle_after(in(4, 0, 3), 5)}, 7, {}, 8},
      {"from when it came", {idle_after(in(4, 6, 3), 5)}, 8, {}, 11},
      {"one that works is not idle", {idle_after(in(4, 0, 3, 1), 5)}, 99, {}},
      {"a pinned one may be idle", {pinned(idle_after(in(4, 0, 3), 5))}, 99, {}},
      {"without a limit it stays", {in(4, 0, 3)}, 9'999, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Plan made = plan(row.seats, kTen, at(row.now));
    EXPECT_EQ(made.steps, row.steps);
    EXPECT_EQ(made.look_again, row.look_again < 0 ? Clock::time_point::max() : at(row.look_again));
  }
}

/// Two that do not fit together and always have work: whatever the order of events, each gets its
/// turn, no turn is shorter than the least, and there is never more in memory than may be.
TEST(Plan, TwoThatDoNotFitTakeTurns) {
  std::vector<Seat> seats = {wanted(6, 0), wanted(6, 0)};
  int loads = 0;
  int entered[2] = {0, 0};
  for (int now = 0; now < 600; ++now) {
    for (const Step& step : plan(seats, kTen, at(now)).steps) {
      Seat& seat = seats[step.seat];
      switch (step.kind) {
        case Kind::Load:
          seat.state = State::In;
          seat.working = seat.waiting;
          seat.waiting = 0;
          seat.in_since = at(now);
          entered[step.seat] = now;
          ++loads;
          break;
        case Kind::Close: seat.state = State::Closing; break;
        case Kind::Reopen: seat.state = State::In; break;
        case Kind::Leave:
          seat.state = State::Out;
          EXPECT_GE(now - entered[step.seat], 5);
          break;
      }
    }
    std::uint64_t bytes = 0;
    for (Seat& seat : seats) {
      if (seat.state != State::Out) bytes += seat.memory_bytes;
      if (seat.state == State::Closing) seat.working = 0;  // ends what it does
      if (seat.state == State::In) {
        seat.working = 1;  // and something new has come
        seat.used = at(now);
      } else if (seat.waiting == 0) {
        seat.waiting = 1;
        seat.wanted_since = at(now);
      }
    }
    ASSERT_LE(bytes, kTen.memory_bytes_max);
  }
  EXPECT_GE(loads, 60);   // both have had their turns
  EXPECT_LE(loads, 121);  // of at least five seconds
}

}  // namespace
}  // namespace hearth::model::pool
