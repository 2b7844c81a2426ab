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

/// One conversation that the store knows.
struct Session {
  std::string id;                     // "sess_…"; random, so that nobody guesses another's
  std::string owner;                  // whose it is
  std::optional<std::string> name{};  // as the owner calls it
  std::optional<std::string> parent{};
  std::int64_t created_ms = 0;  // since 1970, UTC
  std::int64_t used_ms = 0;
  std::uint32_t messages = 0;  // said in it so far, with those that are not kept any more
};

/// NotFound: what whoever asks for a session is told, if it does not exist or is another's.
Error no_session(const std::string& key);
/// Inside the store's own work. Errors: NotFound (there is none, or not of this owner, if given).
Result<void> require_session(Database& database, const std::string& id,
                             const std::optional<std::string>& owner = {});

/// The sessions of everybody. Whoever is not the owner of one is told that it does not exist. Any
/// thread; the store and the clock must outlive it. Errors besides those named: those of
/// Writer::write and Readers::read.
class Sessions {
 public:
  static constexpr const char* kIdPrefix = "sess_";
  static constexpr std::size_t kNameBytesMax = 128;
  static constexpr std::size_t kListMax = 1'000;

  Sessions(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// A new one, on disk when it returns. Errors: InvalidInput (`name`: empty, too long, no UTF-8,
  /// or the owner has one of that name).
  Result<Session> create(const Call& call, const std::string& owner,
                         const std::optional<std::string>& name = {});
  /// The same for a message that is about to be accepted in it: on disk with that one.
  Result<Session> create_for_message(const Call& call, const std::string& owner,
                                     const std::optional<std::string>& name);
  /// A new one inside work of the writer's; `parent`: with the first `messages` of that one, which
  /// exists.
  static Result<void> create_within(Database& database, const Session& session);
  /// A new one with everything that was said in another so far. Errors: NotFound; those of
  /// create().
  Result<Session> fork(const Call& call, const std::string& owner, const std::string& id,
                       const std::optional<std::string>& name = {});
  /// Errors: NotFound.
  Result<Session> find(const Call& call, const std::string& owner, const std::string& id);
  /// Errors: NotFound.
  Result<Session> find_named(const Call& call, const std::string& owner, const std::string& name);
  /// Whosever it is, for who may read the file: by its id, or by its name if only one owner has a
  /// session of it. Errors: NotFound; InvalidInput (several owners have).
  Result<Session> find_any(const Call& call, const std::string& key);
  /// Those of one owner, last used first, at most `count` (kListMax at most) after leaving out
  /// `skip`.
  Result<std::vector<Session>> list(const Call& call, const std::string& owner,
                                    std::size_t count = kListMax, std::size_t skip = 0);
  /// With all of its messages. Errors: NotFound.
  Result<void> remove(const Call& call, const std::string& owner, const std::string& id);

 private:
  Session begin(const std::string& owner, const std::optional<std::string>& name) const;
  Result<Session> create(const Call& call, Writer::Durability durability, const std::string& owner,
                         const std::optional<std::string>& name);
  Result<Session> find_one(const Call& call, const char* sql, const std::string& owner,
                           const std::string& key);

  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
