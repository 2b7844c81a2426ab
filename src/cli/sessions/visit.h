#pragma once
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/context.h"
#include "cli/daemon_start.h"
#include "cli/sessions/directory.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/style.h"
#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {

inline constexpr Millis kVisitMax{120'000};  // for all that one command asks

/// What a command asks of the daemon's sessions, and until when.
struct Visit {
  const Call& call;
  const Directory& directory;
};

/// JSON text for standard output.
inline std::string dumped(const nlohmann::ordered_json& value, int indent) {
  std::string text =
      value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return is_terminal(STDOUT_FILENO) ? printable(text) : text;
}

/// Runs `work`, which gives its exit status, with the daemon; one is started if none runs. Gives
/// the exit status.
template <class Work>
int with_daemon(const Context& context, Millis budget, Work&& work) {
  const auto opened = open_here(context);
  if (!opened.ok()) return fail_usage(opened.error().message);
  const Opening& opening = opened.value();
  const Interrupt interrupt;
  const Call call = Call::within(budget, interrupt.token());
  const auto daemon = start_daemon(call.at_most(kDaemonStartMax), opening.context, opening.loaded);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (!daemon.ok()) return fail(daemon.error());
  const DaemonClient client(daemon.value(), opening.loaded.config);
  const Result<int> done = work(call, opening.loaded.config, client);
  std::cout.flush();
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (done.ok()) return done.value();
  return done.error().code == Code::InvalidInput ? fail_usage(printable(done.error().message))
                                                 : fail(done.error());
}

/// Runs `work` with the daemon's sessions. Gives the exit status.
template <class Work>
int visit(const Context& context, Work&& work) {
  return with_daemon(
      context, kVisitMax,
      [&work](const Call& call, const config::Config&, const DaemonClient& client) -> Result<int> {
        const Directory directory(client);
        TRY_VOID(work(Visit{call, directory}));
        return kDone;
      });
}

}  // namespace hearth::cli
