#pragma once
#include <stop_token>
#include <thread>

namespace hearth::cli {

/// Turns Ctrl-C (SIGINT) and SIGTERM into a stop request while it lives. The second signal of a
/// kind ends the process, as it would have done at first. One at a time in a process.
///
/// A handler and a pipe rather than a blocked signal, since blocked signals would be inherited by
/// the processes that we start.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// 0, or the signal that came.
  int signal() const;
  /// 128 and the signal, as shells report it.
  int exit_status() const { return 128 + signal(); }

 private:
  void watch();

  std::stop_source stop_;
  const int read_end_;
  std::jthread watcher_;
};

}  // namespace hearth::cli
