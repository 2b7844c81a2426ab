#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/audience.h"
#include "agent/context_view.h"
#include "agent/session_state.h"
#include "agent/turn.h"
#include "base/mutex.h"
#include "store/inbox.h"
#include "store/sessions.h"

namespace hearth::agent {

/// What somebody says in a session.
struct Submission {
  std::string owner;
  /// "sess_…": a session that exists; anything else: the owner's session of that name, which begins
  /// with its first message.
  std::string session;
  std::vector<chat::Message> messages{};  // new ones only; 1 to kMessagesMax
  std::string model{};                    // its name; empty: the first
  std::string request = "{}";             // for Parts::read_request
  std::optional<std::string> key{};       // Idempotency-Key
  std::string digest{};                   // of the request that came with the key
};

/// Which messages of a session that have not ended; all of them if nothing is given.
struct Which {
  std::optional<std::string> key{};     // the one that was sent with it
  std::optional<std::uint32_t> turn{};  // the one whose turn it is, once that has begun
};

/// The one door to conversations that are remembered. A message is on disk before it is acted on;
/// one turn at a time is made in a session, and up to Bounds::turns_max at once in different ones.
/// What a crash cut off goes on at the next start. Any thread.
class Sessions {
 public:
  static constexpr std::size_t kMessagesMax = 64;  // of one submission

  struct Bounds {
    std::size_t turns_max = 32;  // at once
  };

  Sessions(Parts parts, Bounds bounds);
  /// Stops what runs; it goes on at the next start.
  ~Sessions();

  /// Begins what the last process left. Call once, before the first submit(). Errors: those of the
  /// store.
  Result<void> recover(const Call& call);

  /// The session that a submission means; one that is only named begins here. Errors: NotFound (no
  /// such session of this owner), InvalidInput (with the field), those of the store.
  Result<store::Session> open(const Call& call, const Submission& submission);
  /// Stores the messages and queues their turn. The sink gets the turn's events, on other threads,
  /// maybe before this returns. When everybody who listens has gone, a turn without a key is
  /// stopped: nobody can ask for its answer again. `session`: as open() gave it for this
  /// submission. Errors: NotFound (it is gone), InvalidInput (the key), Busy (the mailbox is full),
  /// those of the store.
  Result<std::unique_ptr<model::Generation>> submit(const Call& call, const store::Session& session,
                                                    const Submission& submission,
                                                    std::shared_ptr<model::EventSink> sink);

  /// Refuses new messages from now on. A turn that is stopped after this goes on at the next start,
  /// as if the process had been killed.
  void stop();

  /// Answers what a turn waits for. It goes on, and the sink hears the rest of it. Errors: those of
  /// Toolbox::decide().
  Result<std::unique_ptr<model::Generation>> decide(const Call& call, const std::string& owner,
                                                    const std::string& approval_id,
                                                    const Toolbox::Answer& answer,
                                                    std::shared_ptr<model::EventSink> sink);
  /// What waits for this owner's word, oldest first. Errors: those of Toolbox::waiting().
  Result<std::vector<chat::Question>> questions(const Call& call, const std::string& owner) const;
  /// Hearth's own tools, or nullptr if turns have none.
  const Toolbox* toolbox() const { return parts_.toolbox; }
  /// Lets turns go on whose questions nobody has answered in time; done every kExpiryPause.
  Result<void> expire(const Call& call);
  /// Lets turns go on that could not be written down, as on a full disk; done every kExpiryPause.
  void retry();
  static constexpr Millis kExpiryPause{5'000};

  /// What the session is doing.
  State state(const std::string& session_id) const;
  /// Stops the turn that runs and drops the messages that wait. Gives how many that were. Errors:
  /// NotFound.
  Result<std::size_t> cancel(const Call& call, const std::string& owner,
                             const std::string& session_id, const Which& which = {});
  /// See view_context(). Errors: NotFound, and those.
  Result<ContextView> view_context(const Call& call, const std::string& owner,
                                   const std::string& session_id);
  /// Turns that run or wait now.
  std::size_t turns() const;

 private:
  struct Live {
    std::shared_ptr<Audience> audience;
    std::stop_source stop{};
    std::atomic<bool> stays = true;  // when nobody listens any more
    bool runs = false;               // guarded by mutex_
  };
  using LivePtr = std::shared_ptr<Live>;

  Result<void> check(const Submission& submission) const;
  Result<void> check_is_first(const Call& call, const store::Session& session,
                              const Submission& submission);
  LivePtr live(std::int64_t message_id);
  void forget(std::int64_t message_id, const LivePtr& live);
  Result<void> tell_past(const Call& call, const store::Inbound& inbound, Audience& audience);
  chat::Usage usage_of(const Call& call, const store::Inbound& inbound);
  Result<void> stop_one(const Call& call, const store::Inbound& inbound);
  Result<void> drop(const Call& call, const store::Inbound& inbound);

  void schedule(const std::string& session_id);
  void watch_expiry(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  std::optional<std::string> next_session(const std::stop_token& stop);
  void serve(const std::string& session_id);
  Result<std::optional<store::Inbound>> next_message(const Call& call,
                                                     const std::string& session_id);
  Turn::Outcome run(const store::Inbound& message);
  void rest(Turn& turn, const std::string& session_id);
  void note(const std::string& session_id, Event event);

  const Parts parts_;
  const Bounds bounds_;
  store::Sessions sessions_;
  store::Inbox inbox_;

  mutable Mutex mutex_;
  std::map<std::int64_t, LivePtr> live_ GUARDED_BY(mutex_);  // by message
  std::map<std::string, State> states_ GUARDED_BY(mutex_);   // Idle ones are not in it
  std::deque<std::string> ready_ GUARDED_BY(mutex_);         // sessions that somebody must look at
  std::set<std::string> active_ GUARDED_BY(mutex_);          // ready, or being looked at
  std::set<std::string> again_ GUARDED_BY(mutex_);           // to be looked at once more
  std::set<std::string> later_ GUARDED_BY(mutex_);           // the same, but not at once
  std::size_t idle_threads_ GUARDED_BY(mutex_) = 0;
  std::stop_source resting_ GUARDED_BY(mutex_){};  // ends what is done while nobody waits
  std::atomic<bool> stopping_ = false;             // set under the mutex, for those who wait
  std::condition_variable_any changed_;
  std::vector<std::jthread> threads_ GUARDED_BY(mutex_);  // last: they use all of the above
  std::jthread expiry_;
};

}  // namespace hearth::agent
