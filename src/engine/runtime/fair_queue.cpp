#include "engine/runtime/fair_queue.h"

#include <algorithm>
#include <utility>

#include "engine/runtime/batch.h"

namespace hearth::engine {

std::size_t FairTurns::next(std::span<const Account> waiting, std::span<const Account> running) {
  const auto rank = [&](Account account) {
    const auto slots = std::count(running.begin(), running.end(), account);
    const auto turn = last_turn_.find(account);
    return std::pair(slots, turn == last_turn_.end() ? 0 : turn->second);
  };
  const auto chosen = std::min_element(waiting.begin(), waiting.end(),
                                       [&rank](Account a, Account b) { return rank(a) < rank(b); });
  note(*chosen);
  return static_cast<std::size_t>(chosen - waiting.begin());
}

/// An account that is forgotten counts as one that never had a turn.
void FairTurns::note(Account account) {
  last_turn_[account] = ++turn_;
  if (last_turn_.size() <= kRememberedMax) return;
  last_turn_.erase(
      std::min_element(last_turn_.begin(), last_turn_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; }));
}

std::vector<std::uint32_t> fair_shares(std::span<const PromptWant> wants, std::uint32_t budget) {
  std::map<Account, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < wants.size(); ++i) places[wants[i].account].push_back(i);

  std::vector<std::uint64_t> totals;
  for (const auto& [account, its] : places) {
    std::uint64_t total = 0;
    for (const std::size_t place : its) total += wants[place].tokens;
    totals.push_back(total);
  }
  const std::vector<std::uint32_t> by_account = share_out(totals, budget);

  std::vector<std::uint32_t> shares(wants.size());
  std::size_t next = 0;
  for (const auto& [account, its] : places) {
    std::vector<std::uint64_t> needs;
    for (const std::size_t place : its) needs.push_back(wants[place].tokens);
    const auto dealt = share_out(needs, by_account[next++]);
    for (std::size_t i = 0; i < its.size(); ++i) shares[its[i]] = dealt[i];
  }
  return shares;
}

}  // namespace hearth::engine
