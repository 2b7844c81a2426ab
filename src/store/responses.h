#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "base/time_source.h"
#include "store/store.h"
#include "store/transcript.h"

namespace hearth::store {

/// One answer that a program may come back to. What was said up to it is in a session, whose owner
/// is "responses:" and the response's: no list of people's sessions shows it.
struct Response {
  enum class State : std::uint8_t { Running, Done, Failed, Cancelled };
  std::string id{};            // random, so that nobody guesses another's
  std::string owner{};         // whose it is
  std::string session_id{};    // of what was said; empty unless it is Done
  std::uint32_t messages = 0;  // of that session, up to the answer
  State state = State::Running;
  std::string body{};           // as its client sees it; the caller's own words
  std::string input{};          // what was asked; likewise
  std::int64_t created_ms = 0;  // since 1970, UTC; given when it is written first
  std::optional<std::int64_t> ended_ms{};
};

/// How a response ended well.
struct ResponseEnd {
  Response response{};                 // its session and messages are given by finish()
  std::string new_session_id{};        // for what follows nothing, or not the end of a conversation
  std::string follows_session_id{};    // empty: nothing
  std::uint32_t follows_messages = 0;  // of that session
  std::vector<Entry> entries{};        // that are said since: what was asked, and the answer
};

/// Answers of /v1/responses, and the conversations that they make. Any thread; the store and the
/// clock must outlive it. Errors besides those named: those of Writer::write and Readers::read.
class Responses {
 public:
  static constexpr const char* kOwnerPrefix = "responses:";            // of the sessions
  static constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;  // so its input

  Responses(Store& store, const TimeSource& time) : store_(store), time_(time) {}

  /// One that will be made while nobody waits: Running, on disk when this returns. Errors: TooLarge
  /// (a bound above).
  Result<void> begin(const Call& call, const Response& response);
  /// Writes a Done one and what was said, in one transaction that is on disk when this returns. One
  /// that has begun must be Running still. What follows the last message of a session goes behind
  /// it; what follows an earlier one, or comes second, begins a session with a copy of what it
  /// follows. Gives the session. Errors: NotFound (it was cancelled or deleted, or what it follows
  /// was), TooLarge.
  Result<std::string> finish(const Call& call, const ResponseEnd& end);
  /// Running to Failed or Cancelled, with its last body. Errors: NotFound (none such is Running),
  /// TooLarge.
  Result<void> break_off(const Call& call, const std::string& id, Response::State state,
                         const std::string& body);

  /// Errors: NotFound (there is none, or it is another's).
  Result<Response> find(const Call& call, const std::string& owner, const std::string& id);
  /// What is Running: at a start, what the last process left. At most kListMax.
  static constexpr std::size_t kListMax = 1'000;
  Result<std::vector<Response>> running(const Call& call);
  /// With what was said in it alone: what later ones follow stays. Errors: NotFound.
  Result<void> remove(const Call& call, const std::string& owner, const std::string& id);

 private:
  Store& store_;
  const TimeSource& time_;
};

}  // namespace hearth::store
