#include "cli/daemon_start.h"

#include <filesystem>

namespace hearth::cli {

std::vector<std::string> serve_arguments(const config::Overrides& overrides,
                                         const config::Config& config) {
  std::vector<std::string> arguments = {"--data", config.data_dir};
  const auto add = [&](const char* name, const std::string& value) {
    arguments.emplace_back(name);
    arguments.push_back(value);
  };
  if (overrides.config_file) {
    std::error_code problem;
    const auto absolute = std::filesystem::absolute(*overrides.config_file, problem);
    add("--config", problem ? *overrides.config_file : absolute.string());
  }
  if (overrides.host) add("--host", *overrides.host);
  if (overrides.port) add("--port", std::to_string(*overrides.port));
  if (overrides.model_path) add("--model", config.model.path);  // absolute by now
  if (overrides.log_level) add("--log-level", *overrides.log_level);
  if (overrides.workspace && overrides.workspace->empty()) arguments.emplace_back("--no-tools");
  if (overrides.workspace)
    for (const std::string& folder : config.tools.workspace) add("--workspace", folder);
  return arguments;
}

Result<app::DaemonInfo> start_daemon(const Call& call, const Context& context,
                                     const config::Loaded& loaded) {
  return app::ensure_daemon(call, loaded.config.data_dir,
                            serve_arguments(context.overrides, loaded.config));
}

std::string grpc_text(const app::DaemonInfo& daemon, const config::Config& config) {
  if (!daemon.grpc.empty()) return daemon.grpc;
  if (!config.grpc.enabled) return "off (grpc.enabled)";
  return "none: when the daemon began, port " + std::to_string(config.grpc.port) +
         " was another program's; set grpc.port to a free one, or grpc.enabled to false";
}

}  // namespace hearth::cli
