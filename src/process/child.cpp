#include "process/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "process/launch/launch.h"

namespace hearth::process {
namespace {

ExitStatus read_status(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

/// Signals of the whole process belong to its main thread, never to a keeper.
void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  const char* description = ::sigdescr_np(signal);
  return "killed by signal " + std::to_string(signal) + " (" +
         (description ? description : "unknown") + ")";
}

Result<std::unique_ptr<Child>> Child::spawn(const SpawnOptions& options) {
  TRY(const auto sockets, make_socket_pair());
  std::unique_ptr<Child> child(new Child(sockets.ours));
  auto started = child->start(options, sockets.theirs);
  ::close(sockets.theirs);
  if (!started.ok()) return std::move(started).error();
  return child;
}

Result<void> Child::start(const SpawnOptions& options, int their_socket) {
  try {
    // Both references outlive their use: keep() is done with them once it has set started_.
    keeper_ = std::jthread([this, &options, their_socket] { keep(options, their_socket); });
  } catch (const std::system_error& error) {
    return Error{Code::Unavailable, std::string("cannot start a thread: ") + error.what()};
  }
  MutexLock lock(mutex_);
  while (!started_) changed_.wait(mutex_);
  TRY(pid_, *started_);
  return ok();
}

/// The keeper thread's whole life.
void Child::keep(const SpawnOptions& options, int their_socket) {
  block_all_signals();
  auto launched = launch(options, their_socket);
  const bool running = launched.ok();
  const pid_t pid = running ? launched.value() : 0;
  {
    MutexLock lock(mutex_);
    started_ = std::move(launched);
    changed_.notify_all();
  }
  if (!running) return;
  siginfo_t ended{};
  // WNOWAIT leaves a zombie, which keeps the number of the process and of its group reserved.
  while (::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) != 0) {
    HEARTH_CHECK(errno == EINTR, "only this thread reaps the child");
  }
  reap();
}

void Child::reap() {
  MutexLock lock(mutex_);
  const pid_t pid = started_->value();
  ::kill(-pid, SIGKILL);  // what the child has left behind in its group
  int status = 0;
  ::waitpid(pid, &status, 0);
  status_ = read_status(status);
  changed_.notify_all();
}

Child::~Child() {
  kill();
  channel_.shut_down();
}  // joins the keeper, which reaps

Result<ExitStatus> Child::wait(const Call& call) {
  MutexLock lock(mutex_);
  changed_.wait_until(mutex_, call.stop, call.deadline,
                      [this]() REQUIRES(mutex_) { return status_.has_value(); });
  if (status_) return *status_;
  if (call.stop.stop_requested())
    return Error{Code::Cancelled, "stopped while waiting for a process to end"};
  return Error{Code::Timeout, "the process did not end in time"};
}

std::optional<ExitStatus> Child::ended() {
  MutexLock lock(mutex_);
  return status_;
}

ExitStatus Child::stop(Millis grace) {
  signal_group(SIGTERM);
  auto ended = wait(Call::within(grace));
  if (ended.ok()) return ended.value();
  kill();
  return wait({.deadline = Clock::time_point::max(), .stop = {}}).value();
}

void Child::signal_group(int signal) {
  MutexLock lock(mutex_);
  if (!started_ || !started_->ok() || status_) return;
  ::kill(-started_->value(), signal);
}

}  // namespace hearth::process
