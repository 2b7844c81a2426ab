#include "model/router/choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/router/breaker.h"

namespace hearth::model::router {
namespace {

using Readiness = Candidate::Readiness;
using Order = std::vector<std::size_t>;

Candidate local(Level level, Readiness readiness = Readiness::Ready) {
  return {.level = level, .readiness = readiness, .context_tokens = 1'000};
}
Candidate remote(Level level) { return {.level = level, .is_local = false}; }
Candidate loading(Level level) {
  Candidate one = local(level, Readiness::Soon);
  one.is_loading = true;
  return one;
}

constexpr Level O = Level::Operational, T = Level::Tactical, S = Level::Strategic;

TEST(Order, AsksTheNearestFirst) {
  struct Row {
    const char* what;
    std::vector<Candidate> candidates;
    Level needed;
    Wish wish;
    Order order;
  };
  const Row rows[] = {
      {"its own level", {local(O), local(T), remote(S)}, T, {}, {1, 2, 0}},
      {"then above, then below", {local(O), local(T)}, S, {}, {1, 0}},
      {"the least is enough", {remote(S), local(T), local(O)}, O, {}, {2, 1, 0}},
      {"local before others", {remote(S), local(S)}, S, {}, {1, 0}},
      {"ready before soon", {local(T, Readiness::Soon), local(T)}, T, {}, {1, 0}},
      {"gone comes last", {local(O, Readiness::Gone), local(T)}, O, {}, {1, 0}},
      {"one that loads is not waited for", {loading(O), remote(S)}, O, {}, {1, 0}},
      {"unless that is forbidden",
       {loading(O), remote(S)},
       O,
       {.forwards_while_loading = false},
       {0, 1}},
      {"one that can be loaded is", {local(O, Readiness::Soon), remote(S)}, O, {}, {0, 1}},
      {"only local ones", {remote(S), local(O)}, S, {.only_local = true}, {1}},
      {"only strong ones", {local(O), remote(S), local(T)}, S, {.only_strong = true}, {1}},
      {"none is strong", {local(O)}, S, {.only_strong = true}, {}},
      {"what is too long for one", {local(O), remote(S)}, O, {.prompt_tokens = 1'000}, {1, 0}},
      {"just not too long", {local(O), remote(S)}, O, {.prompt_tokens = 999}, {0, 1}},
      {"as given where all is equal", {remote(S), remote(S)}, S, {}, {0, 1}},
      {"nobody", {}, S, {}, {}},
  };
  for (const Row& row : rows)
    EXPECT_EQ(order(row.candidates, row.needed, row.wish), row.order) << row.what;
}

TEST(Breaker, OpensAfterSoManyFailuresInARowAndIsProbedOnce) {
  const auto at = [](int seconds) {
    return Clock::time_point(std::chrono::seconds(1'000 + seconds));
  };
  Breaker breaker;
  for (std::uint32_t i = 0; i + 1 < Breaker::kFailuresMax; ++i) breaker.failed(at(0));
  EXPECT_TRUE(breaker.allow(at(0)));
  breaker.succeeded();  // and the count begins anew
  for (std::uint32_t i = 0; i < Breaker::kFailuresMax; ++i) {
    EXPECT_TRUE(breaker.allow(at(1)));
    breaker.failed(at(1));
  }
  EXPECT_EQ(breaker.state(at(60)), Breaker::State::Open);
  EXPECT_FALSE(breaker.allow(at(60)));
  EXPECT_EQ(breaker.state(at(61)), Breaker::State::HalfOpen);
  EXPECT_TRUE(breaker.allow(at(61)));   // the probe
  EXPECT_FALSE(breaker.allow(at(61)));  // nobody else meanwhile
  breaker.failed(at(62));
  EXPECT_FALSE(breaker.allow(at(121)));
  EXPECT_TRUE(breaker.allow(at(122)));
  breaker.left();  // its client went away: the next one is the probe
  EXPECT_TRUE(breaker.allow(at(122)));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(at(122)), Breaker::State::Closed);
  EXPECT_TRUE(breaker.allow(at(122)));
  EXPECT_TRUE(breaker.allow(at(122)));
}

}  // namespace
}  // namespace hearth::model::router
