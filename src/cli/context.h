#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace hearth::cli {

/// The exit statuses, as `hearth --help` documents them. A signal that ended a command adds 128.
enum ExitStatus : int { kDone = 0, kFailed = 1, kUsage = 2, kWaiting = 3 };

/// What the global options say, and the command that was chosen.
struct Context {
  config::Overrides overrides{};
  std::function<int()> action{};  // set while parsing, run after it
};

/// Reads all settings and prints their warnings on standard error. Errors: config::load's;
/// InvalidInput (--workspace names a folder that is not to be opened in passing).
Result<config::Loaded> load_settings(const Context& context);

/// Prints "hearth: <message>" on standard error; the exit status for it.
int fail(const Error& error);
/// The same for a command line or configuration that cannot be used: always kUsage.
int fail_usage(const std::string& message);

/// Adds a subcommand whose last help lines are `footer` and whose work is `action`.
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& description, const std::string& footer,
                      std::function<int()> action);

/// --model, --host and --port, for the commands that have them.
void add_model_option(CLI::App& command, Context& context);
/// --model as take_model_name() understands it.
void add_model_or_name_option(CLI::App& command, Context& context);
void add_listen_options(CLI::App& command, Context& context);
/// --workspace and --no-tools, for commands that are or start a daemon.
void add_workspace_options(CLI::App& command, Context& context);

/// " --data DIR" as a shell reads it, for commands that a person is told to type; empty if this
/// command needed none.
std::string data_option(const Context& context);

// One for each subcommand, in <name>_command.cpp.
void add_run_command(CLI::App& root, Context& context);
void add_chat_command(CLI::App& root, Context& context);
void add_approvals_command(CLI::App& root, Context& context);
void add_undo_command(CLI::App& root, Context& context);
void add_sessions_command(CLI::App& root, Context& context);
void add_context_command(CLI::App& root, Context& context);
void add_replay_command(CLI::App& root, Context& context);
void add_serve_command(CLI::App& root, Context& context);
void add_stop_command(CLI::App& root, Context& context);
void add_status_command(CLI::App& root, Context& context);
void add_models_command(CLI::App& root, Context& context);
void add_route_command(CLI::App& root, Context& context);
void add_cost_command(CLI::App& root, Context& context);
void add_stop_spending_command(CLI::App& root, Context& context);
void add_model_command(CLI::App& root, Context& context);
void add_pull_command(CLI::App& root, Context& context);
void add_inspect_command(CLI::App& root, Context& context);
void add_bench_command(CLI::App& root, Context& context);
void add_doctor_command(CLI::App& root, Context& context);
void add_config_command(CLI::App& root, Context& context);
void add_version_command(CLI::App& root, Context& context);
void add_engine_command(CLI::App& root, Context& context);

}  // namespace hearth::cli
