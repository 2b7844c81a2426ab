#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "process/frame_channel.h"

namespace hearth::process {

/// How a child ended.
struct ExitStatus {
  int code = 0;    // exit code, when signal is 0
  int signal = 0;  // the signal that killed it, or 0
  std::string text() const;  // "exit code 1", "killed by signal 9 (Killed)"
};

struct SpawnOptions {
  std::vector<std::string> arguments;       // after argv[0]; e.g. {"engine"}
  std::string executable = "/proc/self/exe";
  std::vector<std::string> environment{};   // whole environment of the child; empty: a copy of ours
  int nice = 0;
};

/// A process of ours: this binary again in another role, its own process group, one socketpair to it
/// (descriptor 3 in the child), standard input empty. Dies with us, even if we are killed. Its
/// destructor kills it and waits, so no orphan and no zombie is left.
class Child {
 public:
  /// Errors: Unavailable (the system refused; says why).
  static Result<std::unique_ptr<Child>> spawn(const SpawnOptions& options);
  ~Child();

  pid_t pid() const { return pid_; }
  FrameChannel& channel() { return *channel_; }
  /// Waits for the end. Any thread, any number of times. Errors: Timeout, Cancelled.
  Result<ExitStatus> wait(const Call& call);
  /// The end if it has come.
  std::optional<ExitStatus> ended();
  /// SIGTERM to the group, then SIGKILL after `grace`. Returns once it is reaped.
  ExitStatus stop(Millis grace);
  void kill();

 private:
  Child(pid_t pid, int pidfd, std::unique_ptr<FrameChannel> channel);
  pid_t pid_;
  int pidfd_;
  std::unique_ptr<FrameChannel> channel_;
  Mutex mutex_;
  std::optional<ExitStatus> status_ GUARDED_BY(mutex_);
};

inline constexpr int kChildSocket = 3;  // the descriptor of the socketpair in the child

}  // namespace hearth::process
