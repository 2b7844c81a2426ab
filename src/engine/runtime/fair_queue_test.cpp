#include "engine/runtime/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace hearth::engine {
namespace {

using testing::ElementsAre;
using Accounts = std::vector<Account>;

TEST(FairTurns, ChoosesTheAccountWithTheFewestRunningThenTheLongestAgoThenTheFirst) {
  struct Case {
    const char* what;
    Accounts before;  // turns already given
    Accounts waiting, running;
    std::size_t next;
  };
  const Case cases[] = {
      {"alone", {}, {7}, {}, 0},
      {"one account is first come, first served", {}, {7, 7, 7}, {7}, 0},
      {"without tokens too", {}, {0, 0}, {0, 0, 0}, 0},
      {"the newcomer passes a long line", {}, {1, 1, 1, 2}, {1, 1, 1}, 3},
      {"nobody runs, nobody had a turn", {}, {2, 1}, {}, 0},
      {"as many running: the longest ago", {1, 2}, {2, 2, 1}, {1, 2}, 2},
      {"never is longer ago than once", {1}, {1, 3}, {1, 3}, 1},
      {"fewest running counts more than the last turn", {1, 2}, {1, 2}, {1, 1, 2}, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    FairTurns turns;
    for (const Account account : c.before) turns.next(Accounts{account}, {});
    EXPECT_EQ(turns.next(c.waiting, c.running), c.next);
  }
}

TEST(FairTurns, TakesTurnsWhenASingleSlotIsGivenAgainAndAgain) {
  FairTurns turns;
  Accounts waiting = {1, 1, 1, 1, 2, 2, 3};
  Accounts served;
  while (!waiting.empty()) {
    const auto place = static_cast<std::ptrdiff_t>(turns.next(waiting, {}));
    served.push_back(waiting[static_cast<std::size_t>(place)]);
    waiting.erase(waiting.begin() + place);
  }
  EXPECT_THAT(served, ElementsAre(1, 2, 3, 1, 2, 1, 1));
}

TEST(FairTurns, ForgetsWhoHadItsTurnLongestAgo) {
  FairTurns turns;
  const auto last = static_cast<Account>(FairTurns::kRememberedMax);
  for (Account account = 1; account <= last; ++account) turns.next(Accounts{account}, {});
  EXPECT_EQ(turns.next(Accounts{2, 1}, {}), 1u);  // both known: 1 is longer ago
  turns.next(Accounts{last + 1}, {});             // one too many: 2 is forgotten
  EXPECT_EQ(turns.next(Accounts{3, 2}, {}), 1u);
}

TEST(FairShares, SharesByAccountThenByPrompt) {
  struct Case {
    const char* what;
    std::vector<PromptWant> wants;
    std::uint32_t budget;
    std::vector<std::uint32_t> shares;
  };
  const Case cases[] = {
      {"nobody", {}, 64, {}},
      {"one takes all", {{1, 1'000}}, 64, {64}},
      {"what is there", {{1, 10}}, 64, {10}},
      {"equal prompts of one account", {{1, 500}, {1, 500}}, 64, {32, 32}},
      {"the short one leaves the rest", {{1, 500}, {1, 4}}, 64, {60, 4}},
      {"three against one", {{1, 500}, {1, 500}, {1, 500}, {2, 500}}, 66, {11, 11, 11, 33}},
      {"an account that needs little", {{1, 500}, {1, 500}, {2, 2}}, 64, {31, 31, 2}},
      {"a budget that does not divide", {{1, 9}, {1, 9}, {1, 9}}, 8, {2, 3, 3}},
      {"no budget", {{1, 9}, {2, 9}}, 0, {0, 0}},
      {"more accounts than tokens", {{1, 9}, {2, 9}, {3, 9}}, 2, {0, 1, 1}},
      {"largest numbers", {{1, 4'294'967'295}, {1, 4'294'967'295}}, 64, {32, 32}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto shares = fair_shares(c.wants, c.budget);
    EXPECT_EQ(shares, c.shares);
    std::uint64_t wanted = 0;
    for (const PromptWant& want : c.wants) wanted += want.tokens;
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), std::uint64_t{0}),
              std::min<std::uint64_t>(wanted, c.budget));
  }
}

}  // namespace
}  // namespace hearth::engine
