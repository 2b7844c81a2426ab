#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "config/config.h"

namespace hearth::app {

/// What a running daemon tells about itself in its PID file.
struct DaemonInfo {
  pid_t pid = 0;
  std::string host{};  // where it listens; empty until it does
  std::uint16_t port = 0;
  std::string grpc{};  // where it speaks gRPC, "127.0.0.1:50051"; empty: nowhere
  std::string version{};
  std::string url() const;  // "http://127.0.0.1:11435"
};

/// The right to be the daemon of a data directory: an advisory lock on <data>/hearth.pid, held as
/// long as this lives and released by the kernel if the process dies. Removes the file when it
/// ends.
class DaemonLock {
 public:
  /// Creates the directory (0700) if needed. A daemon that was killed keeps the lock until it is
  /// gone: waited for as long as `call` lasts. Errors: Busy (names the pid that has it),
  /// Unavailable.
  static Result<DaemonLock> acquire(const Call& call, const std::string& data_dir);
  DaemonLock(DaemonLock&& other) noexcept;
  DaemonLock& operator=(DaemonLock&&) = delete;
  ~DaemonLock();
  /// Writes where the daemon listens, so that other commands find it.
  Result<void> publish(const DaemonInfo& here);

 private:
  DaemonLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

/// The daemon of this data directory, or nullopt if none runs. Errors: Unavailable (unreadable).
Result<std::optional<DaemonInfo>> find_daemon(const std::string& data_dir);

/// Starts `hearth serve <arguments>` in the background (own session, output appended to
/// <data>/hearth.log, which is rotated above 4 MiB) and waits until GET /health answers. If a
/// daemon runs already, returns it. Errors: Timeout and Unavailable, with the last lines of the
/// log.
Result<DaemonInfo> ensure_daemon(const Call& call, const std::string& data_dir,
                                 const std::vector<std::string>& serve_arguments);

/// Sends SIGTERM and waits for the end. False if none was running. Errors: Timeout (still
/// draining).
Result<bool> stop_daemon(const Call& call, const std::string& data_dir);

}  // namespace hearth::app
