#include "cli/context.h"

#include <iostream>
#include <utility>

#include "cli/workspace/workspace_choice.h"

namespace hearth::cli {
namespace {

void add_model(CLI::App& command, Context& context, const char* help, const char* what) {
  command
      .add_option_function<std::string>(
          "--model,-m",
          [&context](const std::string& given) { context.overrides.model_path = given; }, help)
      ->type_name(what);
}

}  // namespace

Result<config::Loaded> load_settings(const Context& context) {
  TRY(config::Loaded loaded, config::load(context.overrides, config::process_environment()));
  if (context.overrides.workspace)
    for (const std::string& folder : loaded.config.tools.workspace)
      if (const auto problem = problem_with_workspace(folder, loaded.config); !problem.empty())
        return Error{Code::InvalidInput, "--workspace: " + problem, "tools.workspace"};
  for (const std::string& warning : loaded.warnings)
    std::cerr << "hearth: warning: " << warning << "\n";
  return loaded;
}

int fail(const Error& error) {
  std::cout.flush();
  std::cerr << "hearth: " << error.message << "\n";
  return kFailed;
}

int fail_usage(const std::string& message) {
  std::cerr << "hearth: " << message << "\n";
  return kUsage;
}

CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name,
                      const std::string& description, const std::string& footer,
                      std::function<int()> action) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(footer +
                  "\n\n--data, --config and --log-level work here too: see `hearth --help`.");
  command->callback([&context, action = std::move(action)] { context.action = action; });
  return command;
}

void add_model_option(CLI::App& command, Context& context) {
  add_model(command, context, "A GGUF file to use instead of the configured model", "FILE");
}

void add_model_or_name_option(CLI::App& command, Context& context) {
  add_model(command, context,
            "A GGUF file, or the name of a model that the daemon has (`hearth models`), such as "
            "auto or PROVIDER/MODEL",
            "FILE|NAME");
}

void add_listen_options(CLI::App& command, Context& context) {
  command
      .add_option_function<std::string>(
          "--host", [&context](const std::string& host) { context.overrides.host = host; },
          "Address to listen on; anything but loopback needs server.tokens")
      ->type_name("ADDRESS");
  command
      .add_option_function<std::uint16_t>(
          "--port", [&context](std::uint16_t port) { context.overrides.port = port; },
          "Port to listen on (default 11435); 0 is any free one")
      ->type_name("PORT");
}

void add_workspace_options(CLI::App& command, Context& context) {
  const auto open = [&context](const std::string& folder) {
    auto& folders = context.overrides.workspace;
    if (!folders) folders.emplace();
    folders->push_back(folder);
  };
  // Each on its own: an option of a list would take the words behind it too.
  CLI::Option* const named =
      command
          .add_option_function<std::string>(
              "--workspace", open, "A folder that tools may look into, and change after asking")
          ->trigger_on_parse()
          ->type_name("DIR");
  command
      .add_flag_callback(
          "--no-tools", [&context] { context.overrides.workspace.emplace(); },
          "Open no folder: the model has no tools")
      ->excludes(named);
}

std::string data_option(const Context& context) {
  if (!context.overrides.data_dir) return "";
  std::string quoted = " --data '";
  for (const char c : *context.overrides.data_dir)
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace hearth::cli
