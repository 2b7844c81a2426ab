#pragma once
#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/call.h"
#include "base/mutex.h"
#include "base/result.h"
#include "process/frame_channel.h"

namespace hearth::process {

/// How a child ended.
struct ExitStatus {
  int code = 0;              // exit code, when signal is 0
  int signal = 0;            // the signal that killed it, or 0
  std::string text() const;  // "exit code 1", "killed by signal 9 (Killed)"
};

struct SpawnOptions {
  std::vector<std::string> arguments;      // after argv[0]; e.g. {"engine"}
  std::string executable{};                // empty: this program (own_executable())
  std::vector<std::string> environment{};  // whole environment of the child; empty: a copy of ours
  int nice = 0;                            // 0..19; 0: as we are
  bool only_idle = false;  // SCHED_IDLE: gets what cores have left; for tools beside an engine
};

/// A process of ours: this binary again in another role, its own process group, one socketpair to
/// it (descriptor 3 in the child), standard input empty, standard output and error ours, every
/// other descriptor closed. When it ends, what is left of its group is killed too. It dies with us,
/// even if we are killed. Its destructor kills it and waits, so no orphan and no zombie is left.
///
/// Linux binds the "die with my parent" signal to the parent's *thread*. So each child is started
/// by a thread of its own, which lives exactly until the child is reaped.
class Child {
 public:
  /// Returns once the new program runs. Errors: Unavailable (the system refused; says why).
  static Result<std::unique_ptr<Child>> spawn(const SpawnOptions& options);
  /// No other thread may be inside a method.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  FrameChannel& channel() { return channel_; }
  /// Waits for the end. Any thread, any number of times. Errors: Timeout, Cancelled.
  Result<ExitStatus> wait(const Call& call) EXCLUDES(mutex_);
  /// The end if it has come.
  std::optional<ExitStatus> ended() EXCLUDES(mutex_);
  /// SIGTERM to the group, then SIGKILL after `grace`. Returns once it is reaped.
  ExitStatus stop(Millis grace) EXCLUDES(mutex_);
  /// SIGKILL to the group; does not wait. Any thread; nothing happens once it has ended.
  void kill() EXCLUDES(mutex_) { signal_group(9); }

 private:
  explicit Child(int socket) : channel_(socket) {}
  Result<void> start(const SpawnOptions& options, int their_socket) EXCLUDES(mutex_);
  void keep(const SpawnOptions& options, int their_socket) EXCLUDES(mutex_);
  void reap() EXCLUDES(mutex_);
  void signal_group(int signal) EXCLUDES(mutex_);

  pid_t pid_ = 0;  // set before spawn() returns
  FrameChannel channel_;
  Mutex mutex_;  // held while signalling, so that the pid cannot be reaped and reused meanwhile
  std::condition_variable_any changed_;
  std::optional<Result<pid_t>> started_ GUARDED_BY(mutex_);
  std::optional<ExitStatus> status_ GUARDED_BY(mutex_);
  std::jthread keeper_;  // starts, awaits and reaps the child
};

inline constexpr int kChildSocket = 3;  // the descriptor of the socketpair in the child

}  // namespace hearth::process
