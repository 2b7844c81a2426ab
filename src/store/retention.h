#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// How long, and how many, of one kind. What is older goes; of the rest the newest `rows_max` stay.
struct Keep {
  std::chrono::hours age_max;
  std::size_t rows_max;
};

/// What is kept of what has ended. What has not ended, memories and conversations stay whatever is
/// set here; archived messages go only if that is asked for.
struct RetentionLimits {
  /// Messages that were answered, failed or dropped, and so the keys by which a repetition is
  /// known: those stay Retention::kKeyAgeMin at least, unless there are more than `rows_max`.
  Keep inbox{std::chrono::hours(24 * 30), 100'000};
  Keep outbox{std::chrono::hours(24 * 30), 100'000};      // acknowledged and failed
  Keep effects{std::chrono::hours(24 * 365), 1'000'000};  // done, failed and uncertain
  Keep approvals{std::chrono::hours(24 * 365), 100'000};  // decided and expired
  Keep decisions{std::chrono::hours(24 * 365), 1'000'000};
  Keep journal{std::chrono::hours(24 * 30), 100'000};
  Keep ledger{std::chrono::hours(24 * 365), 1'000'000};  // calls of models that have ended
  Keep responses{std::chrono::hours(24 * 30), 10'000};   // of /v1/responses, that have ended
  std::optional<std::size_t> archived_messages_max{};    // of all sessions; absent: all are kept
};

/// What one sweep removed.
struct Swept {
  std::size_t rows = 0;
  bool is_done = true;  // false: there is more, for a next sweep
};

/// Takes away what need not be kept. Any thread; the store and the clock must outlive it.
class Retention {
 public:
  static constexpr std::size_t kSweepRowsMax =
      500;  // of each kind at once: a sweep holds nobody up
  static constexpr std::chrono::hours kKeyAgeMin{24};
  /// What was paid stays in the ledger so long at least, whatever the limits: a month's cap is
  /// weighed by it.
  static constexpr std::chrono::hours kPaidAgeMin{24 * 31};

  Retention(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// One bounded step; to be repeated until it is done, and daily. Expired rules go with it, and
  /// conversations that only programs could follow, once no response of theirs is left. Of
  /// archived messages the oldest of the session that was longest unused go first, but never a
  /// session's last message. Errors: those of Writer::write.
  Result<Swept> sweep(const Call& call, const RetentionLimits& limits);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
