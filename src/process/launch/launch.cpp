#include "process/launch/launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "process/own_executable.h"

namespace hearth::process {
namespace {

constexpr int kReportDescriptor = 4;  // in the child until exec: where its errno goes
constexpr int kFirstSpare = 10;       // descriptors are parked above the fixed ones while arranged

/// What the child needs, made before fork: after it, only async-signal-safe calls are allowed,
/// because another thread may have held any lock (malloc's too) when the process was copied.
struct Plan {
  const char* executable;
  char** arguments;
  char** environment;
  int socket;
  int report;
  int nice;
  bool only_idle;
  pid_t parent;
};

[[noreturn]] void give_up(int report) {
  const int problem = errno;
  static_cast<void>(!::write(report, &problem, sizeof problem));
  ::_exit(127);
}

/// The kernel's own form of an action; all zero is the default one.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

/// By system call: the C library hides signals 32 and 33, which a parent may have left ignored.
void reset_signals() {
  const KernelAction standard{};
  for (int signal = 1; signal < NSIG; ++signal)
    ::syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Standard input that is at its end. A jail without /dev gets a pipe that nobody writes to.
int open_empty_input() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) return null;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  ::close(ends[1]);
  return ends[0];
}

/// A copy of `fd` with a number that is in nobody's way.
int move_up(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstSpare);
  if (copy < 0 && errno == EINVAL) errno = EMFILE;  // so the kernel calls a limit below that number
  return copy;
}

/// Leaves exactly: 0 empty, 1 and 2 as they are, 3 the socket, 4 the report (closed by exec).
void arrange_descriptors(const Plan& plan) {
  const int report = move_up(plan.report);
  if (report < 0) give_up(plan.report);
  const int socket = move_up(plan.socket);
  const int input = open_empty_input();
  if (socket < 0 || input < 0) give_up(report);
  if (input != 0 && ::dup2(input, 0) < 0) give_up(report);
  if (input == 0) ::fcntl(0, F_SETFD, 0);
  for (int output = 1; output <= 2; ++output) {
    if (::fcntl(output, F_GETFD) < 0) ::dup2(0, output);
  }
  if (::dup2(socket, kChildSocket) < 0) give_up(report);
  if (::dup3(report, kReportDescriptor, O_CLOEXEC) < 0) give_up(report);
  // By number: glibc 2.34 has the wrapper, older kernels (before 5.9) lack the call.
  if (::syscall(SYS_close_range, kReportDescriptor + 1, UINT_MAX, 0) != 0)
    give_up(kReportDescriptor);
}

/// Only manners: what the system refuses is done without. Nothing is raised, so nothing should be.
void be_modest(const Plan& plan) {
  if (plan.nice != 0) ::setpriority(PRIO_PROCESS, 0, plan.nice);
  if (!plan.only_idle) return;
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
}

/// The child between fork and exec.
[[noreturn]] void become(const Plan& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // it died before the line above took effect
  ::setpgid(0, 0);
  reset_signals();
  be_modest(plan);
  arrange_descriptors(plan);
  ::execve(plan.executable, plan.arguments, plan.environment);
  give_up(kReportDescriptor);
}

std::vector<char*> as_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Error spawn_error(const std::string& executable, const char* what, int problem) {
  return {Code::Unavailable,
          "cannot start " + executable + ": " + what + ": " + std::strerror(problem)};
}

/// The errno that the child reported, or 0 once exec has closed its end.
int await_exec(int report) {
  int problem = 0;
  ssize_t got = 0;
  do {
    got = ::read(report, &problem, sizeof problem);
  } while (got < 0 && errno == EINTR);
  return got == sizeof problem ? problem : 0;
}

}  // namespace

Result<pid_t> launch(const SpawnOptions& options, int their_socket) {
  const std::string executable = options.executable.empty() ? own_executable() : options.executable;
  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.executable.empty() ? "hearth" : executable);
  const auto argument_pointers = as_pointers(arguments);
  const auto environment_pointers = as_pointers(options.environment);

  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return spawn_error(executable, "pipe", errno);
  const Plan plan{.executable = executable.c_str(),
                  .arguments = const_cast<char**>(argument_pointers.data()),
                  .environment = options.environment.empty()
                                     ? environ
                                     : const_cast<char**>(environment_pointers.data()),
                  .socket = their_socket,
                  .report = report[1],
                  .nice = options.nice,
                  .only_idle = options.only_idle,
                  .parent = ::getpid()};
  const pid_t pid = ::fork();
  const int fork_problem = errno;
  if (pid == 0) become(plan);
  ::close(report[1]);
  const int problem = pid < 0 ? fork_problem : await_exec(report[0]);
  ::close(report[0]);
  if (pid < 0) return spawn_error(executable, "fork", problem);
  if (problem == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  return spawn_error(executable, "exec", problem);
}

}  // namespace hearth::process
