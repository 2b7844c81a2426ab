#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "model/delivery/delivery.h"
#include "process/frame_channel.h"

namespace hearth::model::local {

/// One generation that the engine was, or will be, asked for. `id`, `account` and `delivery` from
/// any thread, the rest only under the lock of the WorkList that holds it.
struct Work {
  Work(std::uint64_t number, std::shared_ptr<EventSink> sink, Clock::time_point now,
       std::uint64_t asker = 0)
      : id(number), account(asker), delivery(std::move(sink)), accepted(now), last_event(now) {}

  const std::uint64_t id;
  const std::uint64_t account;  // chat::Request::account
  Delivery delivery;
  const Clock::time_point accepted;
  Clock::time_point last_event;
  std::optional<process::Frame> unsent{};  // what to send when an engine is ready
  bool started = false;                    // the engine has given it a slot
  bool speaking = false;                   // its first Delta came
};
using WorkPointer = std::shared_ptr<Work>;

struct TimeLimits {
  Millis token_timeout;
  Millis request_timeout;
  Millis cancel_grace;
};

/// What one engine process has to do and by when. Keeps time rules only; the caller brings the
/// clock and the lock.
///
/// - A generation ends at the latest `request_timeout` after it was accepted, waiting included.
/// - Once the engine has started it, at most `token_timeout` may pass between two of its events.
///   The time before the first token (computing the prompt) counts.
/// - While it waits for an engine or for a slot, only the first rule holds, unless the engine has
/// it
///   and does nothing else: then it must start within `token_timeout` of the engine's last word.
/// - What is cancelled must be answered within `cancel_grace`, or the engine is wedged.
class WorkList {
 public:
  explicit WorkList(TimeLimits limits) : limits_(limits) {}

  void add(WorkPointer work) { works_.emplace(work->id, std::move(work)); }
  /// The work of this number, or nullptr.
  WorkPointer find(std::uint64_t id) const;
  /// Removes one that ended by itself; nullptr if it is not here (any more).
  WorkPointer take(std::uint64_t id);
  /// Removes one that the engine is told to cancel; from now on it owes the answer.
  WorkPointer cancel(std::uint64_t id, Clock::time_point now);
  /// The same for an Embed, which is no Work.
  void owe(std::uint64_t id, Clock::time_point now) { owed_.emplace(id, now); }
  /// The engine has said its last word about `id`.
  void settle(std::uint64_t id) { owed_.erase(id); }
  /// The engine said something, whatever it was.
  void heard(Clock::time_point now) { last_word_ = now; }
  /// How many requests other than generations the engine is working on.
  void set_other_requests(std::size_t count) { other_requests_ = count; }
  /// The engine has ended: forgets what it was asked. What was not sent yet waits for the next one.
  std::vector<WorkPointer> take_sent();
  /// The engine has ended and none will follow soon: forgets everything.
  std::vector<WorkPointer> clear();
  /// The oldest that was not sent yet, or null.
  WorkPointer first_unsent() const;

  struct Overdue {
    WorkPointer work;
    Error error;
  };
  /// Removes what is over its time, as cancel() does.
  std::vector<Overdue> take_overdue(Clock::time_point now);
  /// True if a cancelled request was not answered in time.
  bool wedged(Clock::time_point now) const;
  /// When to look again; time_point::max() if nothing can become overdue.
  Clock::time_point next_deadline() const;

  std::size_t size() const { return works_.size(); }
  std::size_t size_of(std::uint64_t account) const;
  std::size_t started() const;

 private:
  bool engine_is_free() const { return started() == 0 && other_requests_ == 0; }
  Clock::time_point silence_deadline(const Work& work, bool engine_free) const;

  const TimeLimits limits_;
  std::map<std::uint64_t, WorkPointer> works_;
  std::map<std::uint64_t, Clock::time_point> owed_;  // cancelled and not answered, since when
  Clock::time_point last_word_{};
  std::size_t other_requests_ = 0;
};

}  // namespace hearth::model::local
