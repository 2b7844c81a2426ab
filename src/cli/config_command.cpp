#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "app/rules.h"
#include "base/time_source.h"
#include "cli/context.h"
#include "cli/doctor/checks.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  hearth config init     write DIR/hearth.toml with every setting explained, all at their defaults
  hearth config check    test it; errors name the line and the nearest known key
  hearth config show     the settings in force, and where each came from
  HEARTH_PORT=8080 hearth config show)";

constexpr const char* kShowFooter = R"(Tokens are shown as "…".

Example:
  hearth config show | grep -v default)";

constexpr const char* kCheckFooter =
    R"(Also reads the patterns and times of every [[policy.rule]], and what the settings name:
model files, keys of providers, the price file, certificates, folders. What a daemon would
refuse, or a file that is named and not there, is an error; what can still come (a model
that was not pulled yet, a key in another environment) is a warning.

Example:
  hearth config check --config new.toml && sudo cp new.toml /srv/hearth/hearth.toml

Exit status: 0 valid, 2 not.)";

constexpr const char* kInitFooter =
    R"(The file is written for its owner only (mode 0600), since it may hold tokens. An
existing one is never overwritten.

Examples:
  hearth config init
  hearth config init --config ~/.config/hearth/hearth.toml

Exit status: 0 written, 1 not (it exists already, or cannot be written).)";

int show(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const std::string& file = loaded.value().file;
  std::cout << "# " << (file.empty() ? "no settings file" : file) << "\n"
            << config::show(loaded.value());
  return kDone;
}

/// What is wrong with the rules, a sentence each: all of them, so that one look is enough.
std::vector<std::string> problems_of_rules(const config::Config& config) {
  std::vector<std::string> problems;
  const SystemTime time;
  for (const config::Config::Rule& rule : config.policy.rules) {
    const auto read = app::read_rule(rule, unix_time<Millis>(time));
    if (!read.ok()) problems.push_back(read.error().message);
  }
  return problems;
}

/// What the settings name that is not as it should be: errors are returned, warnings are told.
std::vector<std::string> problems_of_named(const config::Config& config) {
  std::vector<std::string> problems;
  for (const Finding& finding : check_named(config, config::process_environment(), {})) {
    if (finding.verdict == Verdict::Fail)
      problems.push_back(printable(finding.detail + "; " + finding.remedy));
    if (finding.verdict == Verdict::Warn)
      std::cerr << "hearth: warning: " << printable(finding.detail) << "\n";
  }
  return problems;
}

int check(const Context& context) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  auto problems = problems_of_rules(loaded.value().config);
  for (std::string& more : problems_of_named(loaded.value().config))
    problems.push_back(std::move(more));
  for (const std::string& problem : problems) fail_usage(problem);
  if (!problems.empty()) return kUsage;
  const std::string& file = loaded.value().file;
  std::cout << (file.empty() ? "the settings are valid (there is no settings file)\n"
                             : file + " is valid\n");
  return kDone;
}

Result<void> write_new_file(const std::string& path, const std::string& text) {
  const auto parent = std::filesystem::path(path).parent_path();
  std::error_code problem;
  if (!parent.empty() && std::filesystem::create_directories(parent, problem))
    std::filesystem::permissions(parent, std::filesystem::perms::owner_all, problem);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    return Error{Code::Denied, path + " exists already and is left as it is"};
  if (fd < 0)
    return Error{Code::Unavailable, "cannot create " + path + ": " + std::strerror(errno)};
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!written) return Error{Code::Unavailable, "cannot write " + path};
  return ok();
}

/// --config, else in the data directory. A broken file elsewhere must not stand in the way.
Result<std::string> init_path(const config::Overrides& overrides) {
  if (overrides.config_file) return *overrides.config_file;
  TRY(const std::string data_dir,
      config::data_dir_without_file(overrides, config::process_environment()));
  return data_dir + "/hearth.toml";
}

int init(const Context& context) {
  const auto path = init_path(context.overrides);
  if (!path.ok()) return fail_usage(path.error().message);
  const auto written = write_new_file(path.value(), config::example_toml());
  if (!written.ok()) return fail(written.error());
  std::cout << "wrote " << path.value() << "\n";
  return kDone;
}

}  // namespace

void add_config_command(CLI::App& root, Context& context) {
  CLI::App* const group = root.add_subcommand("config", "Show, check or write the settings");
  group->footer(kFooter);
  group->require_subcommand(1);
  group->fallthrough();
  add_command(*group, context, "show", "The settings in force and their origins, as TOML",
              kShowFooter, [&context] { return show(context); });
  add_command(*group, context, "check", "Test the settings", kCheckFooter,
              [&context] { return check(context); });
  add_command(*group, context, "init", "Write a commented hearth.toml", kInitFooter,
              [&context] { return init(context); });
}

}  // namespace hearth::cli
