#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

/// Who is next, and how much of a step each gets, when several accounts want more than there is.
/// Pure rules over numbers; one thread.
namespace hearth::engine {

using Account = std::uint64_t;  // chat::Request::account

/// Chooses who of those that wait gets a free slot: of an account with the fewest running, among
/// such the one whose turn is longest ago, and within an account who came first. So one account
/// with a long line delays another by at most the end of one generation.
class FairTurns {
 public:
  static constexpr std::size_t kRememberedMax = 1'024;  // accounts whose last turn is known

  /// The place in `waiting` (accounts, in the order they came; not empty) of who is next, and notes
  /// its turn. `running`: the accounts of those in slots.
  std::size_t next(std::span<const Account> waiting, std::span<const Account> running);

 private:
  void note(Account account);

  std::map<Account, std::uint64_t> last_turn_;
  std::uint64_t turn_ = 0;
};

/// One prompt that wants to be computed.
struct PromptWant {
  Account account = 0;
  std::uint32_t tokens = 0;
};

/// Deals `budget` tokens out to `wants`: equal shares for all accounts and, within an account, for
/// all its prompts; what somebody does not need goes to the others. A share beside each want,
/// together at most `budget`, and exactly that if they want so much.
std::vector<std::uint32_t> fair_shares(std::span<const PromptWant> wants, std::uint32_t budget);

}  // namespace hearth::engine
