#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"
#include "chat/generation.h"
#include "engine/prompt/prompt_builder.h"
#include "engine/snapshot/library.h"

namespace hearth::engine {

/// State that a snapshot brought, and how long reading it took.
struct FetchedState {
  snapshot::Library::Loaded loaded{};
  std::shared_ptr<const void> lease{};  // of the memory it takes
};

/// A generation that waits or runs. Immutable but for the flag and what is fetched; shared by the
/// table of ids and the scheduler.
struct GenerateJob {
  std::uint64_t id = 0;
  chat::Request request;
  PreparedPrompt prompt;
  Clock::time_point arrived;
  std::atomic<bool> cancelled = false;
  /// What was read from disk for this prompt; set before the job comes back (Jobs::give_back).
  std::optional<FetchedState> fetched{};
};

/// Texts to be embedded, as tokens.
struct EmbedJob {
  std::uint64_t id = 0;
  std::vector<std::vector<llama_token>> inputs;
  std::atomic<bool> cancelled = false;
};

using Job = std::variant<std::shared_ptr<GenerateJob>, std::shared_ptr<EmbedJob>>;

/// Jobs on their way from the reader to the scheduler, and the ids of all that have not ended.
/// Every method may be called from any thread.
class Jobs {
 public:
  static constexpr std::size_t kOpenMax =
      256;  // jobs that wait or run; the daemon's own bound is far lower

  /// Errors: Busy (kOpenMax), InvalidInput (the id is in use).
  Result<void> add(Job job);
  /// Lets an open job arrive once more.
  void give_back(Job job);
  /// Marks the job; the scheduler ends it. Unknown ids are ignored.
  void cancel(std::uint64_t id);
  /// The job has ended.
  void forget(std::uint64_t id);

  /// What arrived since the last call. Waits for something when `wait`; empty when shut down.
  std::vector<Job> take(bool wait);
  void shut_down();
  bool is_shut_down() const { return shut_down_; }

 private:
  Mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<Job> arrivals_ GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, Job> open_ GUARDED_BY(mutex_);
  std::atomic<bool> shut_down_ = false;
};

}  // namespace hearth::engine
