#include "cli/terminal/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/check.h"

namespace hearth::cli {
namespace {

// A signal handler can reach nothing else; lock-free atomics are safe in it. The pipe lives as long
// as the process: a handler that is still running must never write to a descriptor that was closed.
std::atomic<int> write_end{-1};
std::atomic<int> last_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr char kSignal = 's';
constexpr char kEnd = 'e';

void put(char byte) {
  // A full pipe holds enough already.
  [[maybe_unused]] const ssize_t written = ::write(write_end.load(), &byte, 1);
}

extern "C" void note_signal(int number) {
  const int saved = errno;
  last_signal.store(number);
  put(kSignal);
  errno = saved;
}

/// The read end of the process's pipe, emptied.
int open_pipe() {
  static const int read_end = [] {
    int ends[2];
    HEARTH_CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe for signals");
    write_end.store(ends[1]);
    return ends[0];
  }();
  char old = 0;
  while (::read(read_end, &old, 1) == 1) continue;
  return read_end;
}

void install(void (*handler)(int), unsigned flags) {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(flags);
    ::sigaction(number, &action, nullptr);
  }
}

}  // namespace

Interrupt::Interrupt() : read_end_(open_pipe()) {
  last_signal.store(0);
  watcher_ = std::jthread([this] { watch(); });
  install(note_signal, SA_RESETHAND);
}

Interrupt::~Interrupt() {
  install(SIG_DFL, 0);
  put(kEnd);
}

int Interrupt::signal() const { return last_signal.load(); }

void Interrupt::watch() {
  pollfd readable{.fd = read_end_, .events = POLLIN, .revents = 0};
  char byte = 0;
  while (::read(read_end_, &byte, 1) != 1) ::poll(&readable, 1, -1);
  if (byte == kSignal) stop_.request_stop();
}

}  // namespace hearth::cli
