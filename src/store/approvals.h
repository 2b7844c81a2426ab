#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/rules.h"
#include "store/store.h"

namespace hearth::store {

/// A call of a tool that somebody must allow.
struct Asked {
  std::string session_id;
  std::string owner;  // of the session; only they may decide
  std::uint32_t turn = 0;
  std::string call_id;  // unique in the turn
  std::string tool;
  std::string target;           // the path, host or command that it is about
  std::string arguments;        // JSON
  std::string preview{};        // as people see it, such as a diff
  std::int64_t expires_ms = 0;  // since 1970, UTC: from then on nobody may decide any more
};

/// How far what was decided reaches.
enum class ApprovalScope : std::uint8_t { Once, Session, Always };
const char* approval_scope_name(ApprovalScope scope);

/// A question, and its answer.
struct Approval {
  enum class State : std::uint8_t { Waiting, Allowed, Denied, Expired };
  std::string id;  // "appr_…"; random, so that nobody guesses another's
  Asked asked;
  State state = State::Waiting;
  ApprovalScope scope = ApprovalScope::Once;  // of Allowed and Denied
  std::string decided_by{};                   // the caller's own: a token's or a person's name
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> decided_ms{};  // or expired
};
const char* approval_state_name(Approval::State state);

/// What somebody answers.
struct Verdict {
  bool allow = false;
  ApprovalScope scope = ApprovalScope::Once;
  std::string by;
};

/// Questions that wait for a person: rows, not blocked threads. Any thread; the store and the clock
/// must outlive it. Errors besides those named: those of Writer::write and Readers::read.
class Approvals {
 public:
  static constexpr std::size_t kWaitingMax = 64;                      // of a session
  static constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;  // arguments; preview: cut
  static constexpr std::size_t kTargetBytesMax = 8'192;
  static constexpr std::size_t kNameBytesMax = 256;  // tool, call_id, by
  static constexpr std::size_t kListMax = 1'000;

  Approvals(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// On disk when it returns. A call that was asked about before gives the row of then, whatever
  /// became of it. Errors: NotFound (no such session of this owner), InvalidInput (`call_id` or
  /// `tool` is empty), TooLarge (a bound above, with its field), Busy (kWaitingMax wait).
  Result<Approval> ask(const Call& call, const Asked& asked);
  /// Errors: NotFound (or another owner's).
  Result<Approval> find(const Call& call, const std::string& owner, const std::string& id);
  /// Those of an owner that can still be decided, oldest first; in one session, if it is given.
  Result<std::vector<Approval>> waiting(const Call& call, const std::string& owner,
                                        const std::optional<std::string>& session_id = {});
  /// Those of a turn, whatever became of them, in the order of asking.
  Result<std::vector<Approval>> of_turn(const Call& call, const std::string& session_id,
                                        std::uint32_t turn);
  static Result<std::vector<Approval>> of_turn_within(Database& database,
                                                      const std::string& session_id,
                                                      std::uint32_t turn, std::int64_t now_ms);

  /// Once, together with the rule that is learned from it, if there is one: both or neither.
  /// Errors: NotFound (or another owner's), InvalidInput (`approval`: it was decided or has
  /// expired, as the message says), TooLarge (`by`), those of Rules::add().
  Result<Approval> decide(const Call& call, const std::string& owner, const std::string& id,
                          const Verdict& verdict, const std::optional<Rule>& learned = {});
  /// The verdict alone, inside work of the writer's.
  static Result<Approval> decide_within(Database& database, const std::string& owner,
                                        const std::string& id, const Verdict& verdict,
                                        std::int64_t now_ms);
  /// Waiting ones whose time is over become Expired. Gives these, so that their turns can go on; at
  /// most kListMax at once.
  Result<std::vector<Approval>> expire(const Call& call);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
