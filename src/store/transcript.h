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

/// One message as it was said, and where it stands.
struct Entry {
  chat::Message message;
  std::uint32_t turn = 0;
  std::string model{};  // that said it; empty for people and tools
  /// What the model saw beyond the tokens of earlier entries; empty: not local, or not to be used.
  std::vector<std::int32_t> tokens{};
  std::string
      tokens_prefix{};        // names what all tokens of the session follow, in the caller's words
  bool tokens_begin = false;  // they follow no earlier ones: the conversation begins anew
  std::uint32_t number = 0;   // in its session: 0, 1, 2, …; given by append()
  std::int64_t created_ms = 0;  // since 1970, UTC; given by append()
  bool archived = false;        // no longer shown to the model
};

/// A place where something was found.
struct Found {
  std::string session_id;
  std::uint32_t number = 0;
  std::string snippet;  // up to 24 words around it, matches in [brackets]
};

/// What was said, in order, and never changed afterwards. Any thread; the store and the clock must
/// outlive it. Errors besides those named: those of Writer::write and Readers::read.
class Transcript {
 public:
  static constexpr std::size_t kReadMax = 10'000;  // messages at once
  static constexpr std::size_t kFoundMax = 100;
  static constexpr std::size_t kScoredMax = 1'000;  // of a search: the latest that match
  static constexpr std::size_t kSearchBytesMax = 1'024;

  Transcript(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// Adds messages behind all others of the session, all or none, on disk when it returns. Gives
  /// the number of the first. Errors: NotFound (no such session).
  Result<std::uint32_t> append(const Call& call, const std::string& session_id,
                               const std::vector<Entry>& entries);
  /// The same inside work of the writer's, for who writes more in the same transaction.
  static Result<std::uint32_t> append_within(Database& database, const std::string& session_id,
                                             const std::vector<Entry>& entries,
                                             std::int64_t now_ms);
  /// Messages from `number` on, at most `count` (kReadMax at most), in order.
  Result<std::vector<Entry>> read(const Call& call, const std::string& session_id,
                                  std::uint32_t number = 0, std::size_t count = kReadMax);
  /// The last `count` messages (kReadMax at most), in order.
  Result<std::vector<Entry>> read_last(const Call& call, const std::string& session_id,
                                       std::size_t count);
  /// The messages of one turn, in order; the first kReadMax.
  Result<std::vector<Entry>> read_turn(const Call& call, const std::string& session_id,
                                       std::uint32_t turn);
  /// Messages of one owner's sessions that hold every word of `words`, the best of the latest
  /// kScoredMax first; the archived ones too. Words are only words here: quotes, operators and
  /// signs mean nothing. Errors: TooLarge.
  Result<std::vector<Found>> search(const Call& call, const std::string& owner,
                                    const std::string& words, std::size_t count = kFoundMax);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
