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
  const DaemonClient& client;
};

/// JSON text for standard output.
inline std::string dumped(const nlohmann::ordered_json& value, int indent) {
  std::string text =
      value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return is_terminal(STDOUT_FILENO) ? printable(text) : text;
}

/// Whether a daemon that a command starts has the current folder open to tools: what those do needs
/// it, what only asks does not.
enum class Opens : std::uint8_t { Nothing, Here };

/// Runs `work`, which gives its exit status, with the daemon; one is started if none runs. Gives
/// the exit status.
template <class Work>
int with_daemon(const Context& context, Millis budget, Work&& work, Opens opens = Opens::Nothing) {
  const auto opened = opens == Opens::Here ? open_here(context) : open_nothing(context);
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
int visit(const Context& context, Work&& work, Millis budget = kVisitMax) {
  return with_daemon(
      context, budget,
      [&work](const Call& call, const config::Config&, const DaemonClient& client) -> Result<int> {
        const Directory directory(client);
        TRY_VOID(work(Visit{call, directory, client}));
        return kDone;
      });
}

}  // namespace hearth::cli
