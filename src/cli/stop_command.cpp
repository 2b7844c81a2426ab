#include <iostream>

#include "app/daemon.h"
#include "cli/context.h"
#include "cli/terminal/interrupt.h"

namespace hearth::cli {
namespace {

constexpr Millis kBeyondDrain{10'000};  // for taking everything down once the answers ended

constexpr const char* kFooter =
    R"(Running answers may end first (server.drain_timeout, 30 s unless set); new work is
refused meanwhile.

Examples:
  hearth stop
  hearth stop --data /srv/hearth

Exit status: 0 stopped, or none was running; 1 it is still busy with its answers.)";

int stop(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  const Interrupt interrupt;
  const Call call = Call::within(config.server.drain_timeout + kBeyondDrain, interrupt.token());
  const auto stopped = app::stop_daemon(call, config.data_dir);
  if (!stopped.ok()) return interrupt.signal() ? interrupt.exit_status() : fail(stopped.error());
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
