#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/effects.h"
#include "store/inbox.h"
#include "store/outbox.h"
#include "store/store.h"
#include "store/transcript.h"

namespace hearth::store {

/// Everything that is true from the end of a turn on.
struct TurnEnd {
  std::int64_t message_id = 0;                // in the inbox; Running
  std::vector<Entry> entries{};               // what was said and is not in the transcript yet
  std::vector<Reply> replies{};               // that must leave
  Inbound::State end = Inbound::State::Done;  // or Failed, Dropped
  std::string reason{};                       // of these two, as the sender is told
};

/// What the last process left.
struct Left {
  std::size_t uncertain = 0;            // tools that were cut off, and may have done something
  std::vector<std::string> sessions{};  // that have messages without an end, the oldest first
};

/// Turns as a whole, over the aggregates that they touch. Any thread; the store and the clock must
/// outlive it. Errors besides those named: those of Writer::write and Readers::read.
class Turns {
 public:
  Turns(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Ends a turn: its messages in the transcript under the turn's number, its replies in the
  /// outbox, its message Done (Failed, Dropped), its session used. What tools did in it and is not
  /// in the transcript is added as a result of theirs, so that a turn which broke off hides
  /// nothing. All in one transaction that is on disk when this returns, or nothing. Gives the
  /// number of the first message in the transcript. Errors: NotFound, InvalidInput (the message has
  /// ended before: nothing is doubled), those of Outbox::enqueue().
  Result<std::uint32_t> commit(const Call& call, const TurnEnd& end);

  /// At a start, before any turn: marks what tools left unfinished as uncertain, and says where
  /// turns go on.
  Result<Left> recover(const Call& call);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
