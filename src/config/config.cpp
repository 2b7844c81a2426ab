#include "config/config.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "config/settings/sources.h"

namespace hearth::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 1024 * 1024;

std::string value_or(const Environment& environment, const std::string& name,
                     std::string fallback) {
  const auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? fallback : found->second;
}

/// A directory of the XDG base directory specification, less "/hearth"; empty if there is no home.
std::string xdg_directory(const Environment& environment, const std::string& variable,
                          const std::string& below_home) {
  std::string set = value_or(environment, variable, "");
  if (set.starts_with("/")) return set;  // a relative one must be ignored, says the specification
  const std::string home = value_or(environment, "HOME", "");
  return home.empty() ? "" : home + "/" + below_home;
}

std::string default_data_dir(const Environment& environment) {
  const std::string base = xdg_directory(environment, "XDG_DATA_HOME", ".local/share");
  return base.empty() ? "" : base + "/hearth";
}

/// The data directory as far as it is known before a file is read.
std::string early_data_dir(const Overrides& overrides, const Environment& environment) {
  if (overrides.data_dir) return *overrides.data_dir;
  const std::string set =
      value_or(environment, "HEARTH_DATA", value_or(environment, "HEARTH_DATA_DIR", ""));
  return set.empty() ? default_data_dir(environment) : set;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The file to read, or "" if there is none.
Result<std::string> choose_file(const Overrides& overrides, const Environment& environment) {
  const std::string named =
      overrides.config_file.value_or(value_or(environment, "HEARTH_CONFIG", ""));
  if (!named.empty()) {
    if (!exists(named)) return Error{Code::NotFound, "no config file " + named};
    return named;
  }
  const std::string data = early_data_dir(overrides, environment);
  if (!data.empty() && exists(data + "/hearth.toml")) return data + "/hearth.toml";
  const std::string base = xdg_directory(environment, "XDG_CONFIG_HOME", ".config");
  if (!base.empty() && exists(base + "/hearth/hearth.toml")) return base + "/hearth/hearth.toml";
  return std::string();
}

Result<void> apply_override(const char* name, const char* flag, const Raw& value, Loaded& loaded) {
  TRY_VOID(assign(*find_setting(name), loaded.config, value, flag));
  loaded.origins[name] = flag;
  return ok();
}

Result<void> apply_overrides(const Overrides& overrides, Loaded& loaded) {
  if (overrides.data_dir)
    TRY_VOID(apply_override("data_dir", "--data", *overrides.data_dir, loaded));
  if (overrides.host) TRY_VOID(apply_override("server.host", "--host", *overrides.host, loaded));
  if (overrides.port)
    TRY_VOID(apply_override("server.port", "--port", std::int64_t{*overrides.port}, loaded));
  if (overrides.model_path)
    TRY_VOID(apply_override("model.path", "--model", *overrides.model_path, loaded));
  if (overrides.log_level)
    TRY_VOID(apply_override("log.level", "--log-level", *overrides.log_level, loaded));
  if (overrides.workspace)
    TRY_VOID(apply_override("tools.workspace",
                            overrides.workspace->empty() ? "--no-tools" : "--workspace",
                            *overrides.workspace, loaded));
  return ok();
}

std::string absolute(const Environment& environment, const fs::path& base, std::string path) {
  if (path.starts_with("~/")) path = value_or(environment, "HOME", "~") + path.substr(1);
  std::error_code problem;
  const fs::path made = fs::absolute(base / path, problem);
  return problem ? path : made.lexically_normal().string();
}

/// Makes every path absolute: "~/x" below HOME, others below the file's or the current directory.
void make_paths_absolute(const Environment& environment, Loaded& loaded) {
  const std::string file_name = fs::path(loaded.file).filename();
  for (const Setting& setting : settings()) {
    if (setting.kind != Kind::Path && setting.kind != Kind::Paths) continue;
    const auto origin = loaded.origins.find(std::string(setting.name));
    const bool from_file = !file_name.empty() && origin != loaded.origins.end() &&
                           origin->second.starts_with(file_name + ":");
    const fs::path base = from_file ? fs::path(loaded.file).parent_path() : fs::path();
    const Target target = setting.target(loaded.config);
    if (auto* const* const paths = std::get_if<std::vector<std::string>*>(&target)) {
      for (std::string& path : **paths) path = absolute(environment, base, path);
    } else if (std::string& path = *std::get<std::string*>(target); !path.empty()) {
      path = absolute(environment, base, path);
    }
  }
}

/// Those of [[pool.model]] and [[provider]] stand in the file.
void make_table_paths_absolute(const Environment& environment, Loaded& loaded) {
  const fs::path base = fs::path(loaded.file).parent_path();
  for (Config::Pooled& pooled : loaded.config.pool.models)
    if (!pooled.model.path.empty())
      pooled.model.path = absolute(environment, base, pooled.model.path);
  for (Config::Provider& provider : loaded.config.providers)
    if (!provider.key_file.empty())
      provider.key_file = absolute(environment, base, provider.key_file);
}

Error no_data_dir() {
  return {Code::InvalidInput, "no data directory: give --data, or set HEARTH_DATA or HOME",
          "data_dir"};
}

Result<void> fill_in_paths(const Environment& environment, Loaded& loaded) {
  Config& config = loaded.config;
  if (config.data_dir.empty()) config.data_dir = default_data_dir(environment);
  if (config.data_dir.empty()) return no_data_dir();
  make_paths_absolute(environment, loaded);
  make_table_paths_absolute(environment, loaded);
  while (config.data_dir.size() > 1 && config.data_dir.back() == '/') config.data_dir.pop_back();
  if (config.db_path.empty()) config.db_path = config.data_dir + "/hearth.db";
  if (config.key_path.empty()) config.key_path = config.data_dir + "/identity.key";
  if (config.plugin_dir.empty()) config.plugin_dir = config.data_dir + "/plugins";
  if (const std::string own = config.data_dir + "/prices.toml";
      config.budget.price_file.empty() && exists(own))
    config.budget.price_file = own;
  return ok();
}

std::string origin_of(const Loaded& loaded, const std::string& name) {
  const auto origin = loaded.origins.find(name);
  return origin == loaded.origins.end() ? "default" : origin->second;
}

/// What other machines can reach needs a token.
Result<void> check_host(const Loaded& loaded, const std::string& name, std::string& host) {
  if (host == "localhost") host = "127.0.0.1";
  if (is_loopback(host) || !loaded.config.server.tokens.empty()) return ok();
  return setting_error(name,
                       host +
                           " is reachable from other machines and needs server.tokens; make "
                           "one with: openssl rand -hex 24",
                       origin_of(loaded, name));
}

Result<void> check_tls(const Loaded& loaded) {
  const Config::Grpc& grpc = loaded.config.grpc;
  if (grpc.tls_cert.empty() == grpc.tls_key.empty()) return ok();
  const bool has_cert = !grpc.tls_cert.empty();
  return setting_error(
      has_cert ? "grpc.tls_key" : "grpc.tls_cert",
      std::string("is needed where ") + (has_cert ? "grpc.tls_cert" : "grpc.tls_key") + " is set",
      origin_of(loaded, has_cert ? "grpc.tls_cert" : "grpc.tls_key"));
}

Result<void> check_together(Loaded& loaded) {
  TRY_VOID(check_host(loaded, "server.host", loaded.config.server.host));
  if (!loaded.config.grpc.enabled) return ok();
  TRY_VOID(check_host(loaded, "grpc.host", loaded.config.grpc.host));
  return check_tls(loaded);
}

void warn_about_short_turns(Loaded& loaded) {
  const Config& config = loaded.config;
  if (config.agent.turn_timeout >= config.model.request_timeout) return;
  loaded.warnings.push_back(
      "agent.turn_timeout is shorter than model.request_timeout: an answer in a session ends with "
      "its turn");
}

void warn_about_file_mode(Loaded& loaded) {
  struct stat status {};
  const auto origin = loaded.origins.find("server.tokens");
  const bool holds_tokens =
      origin != loaded.origins.end() && origin->second.find(':') != std::string::npos;
  if (!holds_tokens || ::stat(loaded.file.c_str(), &status) != 0 || (status.st_mode & 077) == 0)
    return;
  loaded.warnings.push_back("others may read the tokens in " + loaded.file + "; run: chmod 600 " +
                            loaded.file);
}

}  // namespace

Result<std::string> read_settings_file(const std::string& path) {
  std::error_code problem;
  if (!fs::exists(path, problem)) return Error{Code::NotFound, "there is no file " + path};
  if (!fs::is_regular_file(path, problem))
    return Error{Code::Unavailable, path + " is not a regular file"};
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return Error{Code::Unavailable, "cannot read " + path + ": " + std::strerror(errno)};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) return Error{Code::TooLarge, path + " is larger than 1 MiB"};
  return text;
}

Result<Loaded> load(const Overrides& overrides, const Environment& environment) {
  Loaded loaded;
  TRY(std::string file, choose_file(overrides, environment));
  if (!file.empty()) {
    TRY(const std::string text, read_settings_file(file));
    TRY_VOID(apply_toml(text, file, loaded));
    std::error_code ignored;
    loaded.file = fs::absolute(file, ignored);
  }
  TRY_VOID(apply_environment(environment, loaded));
  TRY_VOID(apply_overrides(overrides, loaded));
  TRY_VOID(fill_in_paths(environment, loaded));
  TRY_VOID(check_together(loaded));
  warn_about_short_turns(loaded);
  warn_about_file_mode(loaded);
  for (const Setting& setting : settings())
    loaded.origins.try_emplace(std::string(setting.name), "default");
  return loaded;
}

Result<Loaded> parse_text(std::string_view text, const std::string& file_name) {
  if (text.size() > kFileBytesMax)
    return Error{Code::TooLarge, file_name + " is larger than 1 MiB"};
  Loaded loaded;
  loaded.file = file_name;
  TRY_VOID(apply_toml(text, file_name, loaded));
  return loaded;
}

Result<std::string> data_dir_without_file(const Overrides& overrides,
                                          const Environment& environment) {
  Loaded loaded;
  loaded.config.data_dir = early_data_dir(overrides, environment);
  TRY_VOID(fill_in_paths(environment, loaded));
  return loaded.config.data_dir;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  return ::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six) != 0;
}

}  // namespace hearth::config
