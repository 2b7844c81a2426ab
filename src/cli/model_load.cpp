#include "cli/model_load.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/daemon.h"
#include "cli/ask/daemon_client.h"
#include "cli/models/served.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

constexpr Millis kPollInterval{100};
constexpr Millis kLoadMax{600'000};
constexpr const char* kLoadFooter =
    R"(Has a running daemon load one of its models (model.path, [[pool.model]]) and waits until
it is ready, with a progress line on a terminal. A request for it would do the same.

Example:
  hearth model load qwen2.5-3b

Exit status: 0 it is ready, 1 it cannot be loaded, or no daemon runs, 2 wrong command line
or settings.)";
constexpr const char* kUnloadFooter =
    R"(Has a running daemon end the answers of one of its models and unload it, and waits for
that. The next request for it loads it again.

Example:
  hearth model unload qwen2.5-3b

Exit status: 0 it is not in memory, 1 it stays, or no daemon runs, 2 wrong command line or
settings.)";

/// Looks until the model is as it was ordered to be.
Result<void> wait_for(const Call& call, const DaemonClient& daemon, const std::string& name,
                      bool loaded) {
  Progress progress;
  while (!call.stop.stop_requested() && Clock::now() < call.deadline) {
    TRY(const auto model, daemon.get_json(call, model_target(name)));
    const std::string state = model.value("state", ""), text = model.value("state_text", "");
    if (state == (loaded ? "ready" : "unloaded")) return ok();
    const bool failed =
        state == "failed" || (state == "unloaded" && !text.empty() && text != "waits for memory");
    if (loaded && failed) return Error{Code::Unavailable, "model '" + name + "': " + text};
    progress.show(name + ": " + (text.empty() ? state : text), fraction_in(text));
    std::this_thread::sleep_for(kPollInterval);
  }
  return Error{call.stop.stop_requested() ? Code::Cancelled : Code::Timeout,
               "model '" + name + "' is not there yet; see: hearth status"};
}

Result<void> order(const Call& call, const config::Config& config, const std::string& name,
                   bool loaded) {
  TRY(const auto running, app::find_daemon(config.data_dir));
  if (!running || running->port == 0)
    return Error{Code::Unavailable, "no daemon runs; start one with: hearth serve"};
  const DaemonClient daemon(*running, config);
  TRY_VOID(daemon.send(call, "POST", model_target(name) + (loaded ? "/load" : "/unload")));
  return wait_for(call, daemon, name, loaded);
}

int run(const Context& context, const std::string& name, bool loaded) {
  const auto settings = load_settings(context);
  if (!settings.ok()) return fail_usage(settings.error().message);
  const Interrupt interrupt;
  const auto done =
      order(Call::within(kLoadMax, interrupt.token()), settings.value().config, name, loaded);
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (!done.ok()) return fail(done.error());
  std::cout << printable(name) << (loaded ? " is ready\n" : " is not in memory\n");
  return kDone;
}

}  // namespace

void add_load_commands(CLI::App& model, Context& context) {
  for (const bool loaded : {true, false}) {
    const auto name = std::make_shared<std::string>();
    add_command(model, context, loaded ? "load" : "unload",
                loaded ? "Have the daemon load a model" : "Have the daemon unload a model",
                loaded ? kLoadFooter : kUnloadFooter,
                [&context, name, loaded] { return run(context, *name, loaded); })
        ->add_option("NAME", *name, "As GET /v1/models shows it")
        ->required();
  }
}

}  // namespace hearth::cli
