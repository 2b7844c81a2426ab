#include "engine/runtime/fair_queue.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace hearth::engine {
namespace {

/// Deals `budget` out to needs: the smallest first, so that what it leaves goes to the larger ones.
std::vector<std::uint32_t> level(const std::vector<std::uint64_t>& needs, std::uint32_t budget) {
  std::vector<std::size_t> order(needs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&needs](std::size_t a, std::size_t b) { return needs[a] < needs[b]; });
  std::vector<std::uint32_t> shares(needs.size());
  auto sharers = static_cast<std::uint32_t>(needs.size());
  for (const std::size_t place : order) {
    shares[place] =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(needs[place], budget / sharers));
    budget -= shares[place];
    --sharers;
  }
  return shares;
}

}  // namespace

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
  const std::vector<std::uint32_t> by_account = level(totals, budget);

  std::vector<std::uint32_t> shares(wants.size());
  std::size_t next = 0;
  for (const auto& [account, its] : places) {
    std::vector<std::uint64_t> needs;
    for (const std::size_t place : its) needs.push_back(wants[place].tokens);
    const auto dealt = level(needs, by_account[next++]);
    for (std::size_t i = 0; i < its.size(); ++i) shares[its[i]] = dealt[i];
  }
  return shares;
}

}  // namespace hearth::engine
