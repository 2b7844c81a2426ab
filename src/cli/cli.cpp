#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.h"
#include "cli/context.h"

namespace hearth::cli {
namespace {

constexpr const char* kDescription =
    "Hearth: a local-first personal AI in one program. It runs GGUF models itself and speaks the\n"
    "OpenAI API to other programs. A small model, Ember, is inside it: nothing needs downloading.";

constexpr const char* kFooter = R"(Examples:
  hearth run "What is the capital of Italy?"   one answer
  hearth chat                                  talk; starts the daemon if none runs
  hearth chat --session work                   in a session of this name; go on with it any time
  hearth undo                                  take back what the assistant changed in a file
  hearth serve --model ~/models/qwen.gguf      an OpenAI-compatible server on port 11435
  hearth pull $(hearth model suggest --quiet)  download the model that suits this machine
  hearth doctor                                what is wrong with this installation, and the remedy
`hearth COMMAND --help` explains each command.

Exit status:
  0    done
  1    failed; standard error says why
  2    wrong command line or configuration
  3    a tool waits for a decision, which `hearth approvals` gives
  130  interrupted with Ctrl-C (143: terminated)

Files:
  DIR/hearth.toml    settings, if there is one (else ~/.config/hearth/hearth.toml)
  DIR/identity.key   this device's key     DIR/hearth.log   the background daemon's log
  DIR/hearth.db      all conversations that are remembered
  DIR/models         models that were downloaded
  DIR/undo           files as they were before tools changed them
  DIR/hearth.pid     the running daemon    DIR/chat_history what was typed into `hearth chat`
  DIR is --data, HEARTH_DATA, data_dir in the settings, $XDG_DATA_HOME/hearth or
  ~/.local/share/hearth.

Environment:
  HEARTH_CONFIG, HEARTH_DATA, HEARTH_HOST, HEARTH_PORT, HEARTH_MODEL, HEARTH_TOKEN, HEARTH_LOG,
  and HEARTH_SECTION_KEY for every setting (HEARTH_MODEL_THREADS=4). Also HOST, PORT, MODEL_PATH,
  DB_PATH, KEY_PATH, PLUGIN_DIR. NO_COLOR switches colours off.)";

void add_global_options(CLI::App& root, Context& context) {
  config::Overrides& overrides = context.overrides;
  const auto text = [&root](const char* name, std::optional<std::string>& target,
                            const char* help) {
    return root.add_option_function<std::string>(
        name, [&target](const std::string& value) { target = value; }, help);
  };
  text("--data", overrides.data_dir, "Directory of everything that Hearth keeps")->type_name("DIR");
  text("--config", overrides.config_file, "Settings file to read")->type_name("FILE");
  text("--log-level", overrides.log_level, "debug, info, warn, error or off")->type_name("LEVEL");
}

void add_commands(CLI::App& root, Context& context) {
  add_run_command(root, context);
  add_chat_command(root, context);
  add_sessions_command(root, context);
  add_context_command(root, context);
  add_replay_command(root, context);
  add_approvals_command(root, context);
  add_undo_command(root, context);
  add_serve_command(root, context);
  add_stop_command(root, context);
  add_status_command(root, context);
  add_models_command(root, context);
  add_route_command(root, context);
  add_cost_command(root, context);
  add_stop_spending_command(root, context);
  add_model_command(root, context);
  add_pull_command(root, context);
  add_inspect_command(root, context);
  add_bench_command(root, context);
  add_doctor_command(root, context);
  add_config_command(root, context);
  add_version_command(root, context);
  add_engine_command(root, context);
}

/// Help asked for is 0; anything that could not be parsed is a usage error.
int report_parse_error(const CLI::App& root, const CLI::ParseError& error) {
  const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
  root.exit(error, std::cout, std::cerr);
  return asked ? kDone : kUsage;
}

int run_action(const Context& context) {
  const auto started = log::start(context.overrides.log_level.value_or("error"), "cli");
  if (!started.ok()) return fail_usage(started.error().message);
  return context.action();
}

}  // namespace

int main(int argc, char** argv) {
  Context context;
  CLI::App root(kDescription, "hearth");
  root.footer(kFooter);
  root.fallthrough();  // --data and the others may also follow the command
  root.require_subcommand(0, 1);
  root.get_formatter()->column_width(30);
  add_global_options(root, context);
  add_commands(root, context);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // how CLI11 reports; nothing else throws here
    return report_parse_error(root, error);
  }
  if (context.action) return run_action(context);
  std::cout << root.help();
  return kDone;
}

}  // namespace hearth::cli
