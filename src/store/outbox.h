#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"

namespace hearth::store {

/// Something that must reach somebody once.
struct Reply {
  std::string session_id;
  std::string destination;  // the caller's own; replies to one keep their order
  std::string payload;      // the caller's own
  std::string key;          // the same reply has the same one, whoever makes it again
};

/// A reply, and how far it came.
struct Outbound {
  enum class State : std::uint8_t {
    Intended,      // to be sent when its next attempt is due
    Sent,          // bytes may have left; not known whether they arrived
    Acknowledged,  // arrived
    Failed         // given up
  };
  std::int64_t id = 0;  // later ones are higher; never used twice
  Reply reply;
  State state = State::Intended;
  std::uint32_t attempts = 0;
  std::int64_t next_attempt_ms = 0;  // since 1970, UTC, as the others
  std::string last_error{};
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> ended_ms{};
};
const char* outbound_state_name(Outbound::State state);

/// Replies until they arrived. The way of one: intended with what it answers, in one transaction;
/// sending() before the first byte leaves; then acknowledge(), retry() or give_up(). One that is
/// still Sent after a restart may have arrived: whoever sends asks its remote, or sends it again
/// under the same key, or says that it is not known. Any thread; the store and the clock must
/// outlive it. Errors besides those named: those of Writer::write and Readers::read.
class Outbox {
 public:
  static constexpr std::size_t kOpenMax = 1'000;  // of a destination: Intended and Sent
  static constexpr std::size_t kPayloadBytesMax = std::size_t{8} << 20;
  static constexpr std::size_t kDestinationBytesMax = 1'024;
  static constexpr std::size_t kKeyBytesMax = 255;
  static constexpr std::size_t kErrorBytesMax = 1'024;  // what is longer is cut
  static constexpr std::size_t kListMax = 1'000;

  Outbox(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// On disk when it returns. A key that is known gives the row of then, which stays as it is.
  /// Errors: InvalidInput (`destination` or `key`: empty or no UTF-8), TooLarge (a bound above,
  /// with its field), NotFound (no such session), Busy (kOpenMax have not arrived there yet).
  Result<std::int64_t> enqueue(const Call& call, const Reply& reply);
  /// The same inside work of the writer's, with what the reply answers.
  static Result<std::int64_t> enqueue_within(Database& database, const Reply& reply,
                                             std::int64_t now_ms);

  /// What may be sent now, of destinations that begin with `prefix`: of each the oldest that has
  /// not ended, if it is Intended and due. At most `count` (kListMax at most), oldest first.
  Result<std::vector<Outbound>> due(const Call& call, const std::string& prefix = "",
                                    std::size_t count = kListMax);
  /// Those that are Sent, oldest first; as due(). At a start: of which nobody knows.
  Result<std::vector<Outbound>> unacknowledged(const Call& call, const std::string& prefix = "",
                                               std::size_t count = kListMax);
  /// Errors: NotFound.
  Result<Outbound> find(const Call& call, std::int64_t id);

  /// Intended to Sent, one attempt more. On disk when it returns; only then may bytes leave.
  /// Errors: NotFound; InvalidInput (it is in another state).
  Result<void> sending(const Call& call, std::int64_t id);
  /// Sent to Acknowledged. Errors: as sending().
  Result<void> acknowledge(const Call& call, std::int64_t id);
  /// Sent to Intended: it did not arrive, or arriving twice does no harm. Errors: as sending().
  Result<void> retry(const Call& call, std::int64_t id, const std::string& error,
                     std::int64_t next_attempt_ms);
  /// Intended or Sent to Failed. Errors: as sending().
  Result<void> give_up(const Call& call, std::int64_t id, const std::string& error);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
