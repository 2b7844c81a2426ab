#include <signal.h>

#include <iostream>
#include <thread>

#include "app/daemon.h"
#include "cli/context.h"
#include "cli/terminal/interrupt.h"

namespace hearth::cli {
namespace {

constexpr Millis kBeyondDrain{10'000};  // for taking everything down once the answers ended
constexpr Millis kGoneMax{1'000};
constexpr Millis kPollInterval{10};

constexpr const char* kFooter =
    R"(Running answers may end first (server.drain_timeout, 30 s unless set); new work is
refused meanwhile.

Examples:
  hearth stop
  hearth stop --data /srv/hearth

Exit status: 0 stopped, or none was running; 1 it is still busy with its answers.)";

/// The daemon gives up its lock with its last breath; a moment later the process is gone as well.
/// Not waited for longer than that: some containers never collect ended processes.
void wait_until_gone(pid_t pid) {
  const auto deadline = Clock::now() + kGoneMax;
  while (::kill(pid, 0) == 0 && Clock::now() < deadline) std::this_thread::sleep_for(kPollInterval);
}

int stop(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  const Interrupt interrupt;
  const Call call = Call::within(config.server.drain_timeout + kBeyondDrain, interrupt.token());
  const auto daemon = app::find_daemon(config.data_dir);
  const auto stopped = app::stop_daemon(call, config.data_dir);
  if (!stopped.ok()) return interrupt.signal() ? interrupt.exit_status() : fail(stopped.error());
  if (stopped.value() && daemon.ok() && daemon.value()) wait_until_gone(daemon.value()->pid);
  std::cout << (stopped.value() ? "hearth stopped\n"
                                : "no daemon was running for " + config.data_dir + "\n");
  return kDone;
}

}  // namespace

void add_stop_command(CLI::App& root, Context& context) {
  add_command(root, context, "stop", "End the daemon of the data directory", kFooter,
              [&context] { return stop(context); });
}

}  // namespace hearth::cli
