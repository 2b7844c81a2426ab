#include "cli/context.h"

#include <iostream>
#include <utility>

namespace hearth::cli {

Result<config::Loaded> load_settings(const Context& context) {
  TRY(config::Loaded loaded, config::load(context.overrides, config::process_environment()));
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
  command
      .add_option_function<std::string>(
          "--model,-m",
          [&context](const std::string& path) { context.overrides.model_path = path; },
          "A GGUF file to use instead of the configured model")
      ->type_name("FILE");
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

}  // namespace hearth::cli
