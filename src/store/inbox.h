#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "chat/message.h"
#include "store/store.h"

namespace hearth::store {

/// What somebody wants to say in a session.
struct Offer {
  std::string session_id;
  std::string owner;
  chat::Message message;
  std::string options = "{}";        // JSON of the caller's own: what the turn needs besides
  std::optional<std::string> key{};  // Idempotency-Key; unique for each owner
  std::string digest{};              // of the request that came with the key
};

/// A message that was accepted, and what became of it.
struct Inbound {
  enum class State : std::uint8_t { Waiting, Running, Done, Failed, Dropped };
  std::int64_t id = 0;  // later ones are higher; never used twice
  Offer offer;
  State state = State::Waiting;
  std::string reason{};                 // why Failed or Dropped, as its sender is told
  std::optional<std::uint32_t> turn{};  // that it became: given when first begun, then kept
  std::uint32_t attempts = 0;           // how often it was begun: more than once after a crash
  std::int64_t created_ms = 0;          // since 1970, UTC
  std::optional<std::int64_t> ended_ms{};
};
const char* inbound_state_name(Inbound::State state);

/// Every message before it is acted on: what is here is answered, or its sender sees why not. Any
/// thread; the store and the clock must outlive it. Errors besides those named: those of
/// Writer::write and Readers::read.
class Inbox {
 public:
  static constexpr std::size_t kWaitingMax = 16;  // of a session: its mailbox
  static constexpr std::size_t kKeyBytesMax = 255;
  static constexpr std::size_t kDigestBytesMax = 128;
  static constexpr std::size_t kMessageBytesMax = std::size_t{8} << 20;  // as JSON; so its options
  static constexpr std::size_t kReasonBytesMax = 1'024;                  // what is longer is cut
  static constexpr std::size_t kListMax = 1'000;

  struct Accepted {
    Inbound inbound;
    bool is_new = true;  // false: the key was seen before, this is the message of then
  };

  Inbox(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// On disk when it returns, and only then may the sender be told so. With a key that the owner
  /// used before it gives the row of then, whatever became of it and however full the mailbox is.
  /// Errors: NotFound (no such session of this owner), InvalidInput (`Idempotency-Key`: empty, no
  /// UTF-8, or came with another digest or session before), TooLarge (a bound above), Busy
  /// (kWaitingMax wait in this session).
  Result<Accepted> accept(const Call& call, const Offer& offer);

  /// The message that waits longest in the session, now Running; none if one is Running already, or
  /// none waits.
  Result<std::optional<Inbound>> begin(const Call& call, const std::string& session_id);
  /// Running to Waiting, before all others of its session: after a crash, to be begun again as the
  /// same turn. Errors: those of finish().
  Result<void> put_back(const Call& call, std::int64_t id);

  /// Running to Done. Errors: NotFound, InvalidInput (it is in another state: an end is said once).
  Result<void> finish(const Call& call, std::int64_t id);
  /// Waiting or Running to Failed: the turn could not be done. Errors: as finish().
  Result<void> fail(const Call& call, std::int64_t id, const std::string& reason);
  /// Waiting or Running to Dropped: nobody wants it any more. Errors: as finish().
  Result<void> drop(const Call& call, std::int64_t id, const std::string& reason);
  /// Any of these three inside work of the writer's. `end` is Done, Failed or Dropped.
  static Result<void> end_within(Database& database, std::int64_t id, Inbound::State end,
                                 const std::string& reason, std::int64_t now_ms);

  /// The message that came with the owner's key, if one did.
  Result<std::optional<Inbound>> find_key(const Call& call, const std::string& owner,
                                          const std::string& key);
  /// Errors: NotFound.
  Result<Inbound> find(const Call& call, const std::string& owner, std::int64_t id);
  /// The message that became this turn of a session. Errors: NotFound (none, or it is not kept any
  /// more).
  Result<Inbound> of_turn(const Call& call, const std::string& session_id, std::uint32_t turn);
  static Result<Inbound> find_within(Database& database, std::int64_t id);
  /// How many wait in a session.
  Result<std::size_t> waiting(const Call& call, const std::string& session_id);
  /// Waiting and Running ones of a session: the Running one first, if there is one; at most
  /// kListMax.
  Result<std::vector<Inbound>> unfinished_of(const Call& call, const std::string& session_id);

 private:
  Result<void> end(const Call& call, std::int64_t id, Inbound::State end,
                   const std::string& reason);
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
