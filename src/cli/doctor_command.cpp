#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "cli/doctor/checks.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Checks the processor, clock, settings, data directory, memory, key, store, ports, daemon,
name files, all that the settings name (models of the pool, keys of providers, prices,
certificates) and whether spending is stopped, and lets the model answer a question. Each
line is PASS, WARN or FAIL, with the remedy below it. Nothing is changed, and no provider
is asked.

Examples:
  hearth doctor
  hearth doctor --data /srv/hearth --json

Exit status: 0 nothing failed (there may be warnings), 1 something did, 130 interrupted.)";

constexpr Millis kSelfCheckMax{300'000};
constexpr Millis kStoreMax{10'000};

std::string file_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Finding> examine(const Context& context, const std::stop_token& stop) {
  const config::Environment environment = config::process_environment();
  const auto loaded = config::load(context.overrides, environment);
  std::vector<Finding> findings = {check_processor(), check_clock(std::chrono::system_clock::now()),
                                   check_settings(loaded)};
  if (!loaded.ok()) return findings;  // the rest depends on them
  const config::Config& config = loaded.value().config;
  findings.push_back(check_data_dir(config.data_dir));
  findings.push_back(check_memory(config, file_text("/proc/meminfo")));
  findings.push_back(check_key(config.key_path));
  findings.push_back(check_store(config.db_path));
  findings.push_back(check_port(config));
  findings.push_back(check_grpc(config));
  findings.push_back(check_daemon(config));
  findings.push_back(check_name_files("/etc"));
  for (Finding& finding : check_named(config, environment, served_now(config)))
    findings.push_back(std::move(finding));
  if (!config.providers.empty())
    findings.push_back(check_spending(Call::within(kStoreMax, stop), config.db_path));
  findings.push_back(check_model(Call::within(kSelfCheckMax, stop), config));
  return findings;
}

std::string coloured(const Style& style, Verdict verdict) {
  const std::string name = verdict_name(verdict);
  if (verdict == Verdict::Pass) return style.green(name);
  return verdict == Verdict::Warn ? style.yellow(name) : style.red(name);
}

void print(const std::vector<Finding>& findings) {
  constexpr std::size_t kNameWidth = 16;
  const Style style = Style::of(STDOUT_FILENO);
  for (const Finding& finding : findings) {
    std::string name = finding.name;
    name.resize(kNameWidth, ' ');
    std::cout << coloured(style, finding.verdict) << "  " << name << printable(finding.detail)
              << "\n";
    if (!finding.remedy.empty())
      std::cout << "      " << std::string(kNameWidth, ' ') << "-> " << finding.remedy << "\n";
  }
}

nlohmann::ordered_json to_json(const std::vector<Finding>& findings) {
  auto all = nlohmann::ordered_json::array();
  for (const Finding& finding : findings)
    all.push_back({{"check", finding.name},
                   {"verdict", verdict_name(finding.verdict)},
                   {"detail", finding.detail},
                   {"remedy", finding.remedy}});
  return all;
}

int doctor(const Context& context, bool as_json) {
  const Interrupt interrupt;
  const std::vector<Finding> findings = examine(context, interrupt.token());
  if (interrupt.signal() != 0) return interrupt.exit_status();
  if (as_json) {
    std::cout << to_json(findings).dump(2, ' ', false,
                                        nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
  } else {
    print(findings);
  }
  for (const Finding& finding : findings)
    if (finding.verdict == Verdict::Fail) return kFailed;
  return kDone;
}

}  // namespace

void add_doctor_command(CLI::App& root, Context& context) {
  const auto as_json = std::make_shared<bool>(false);
  CLI::App* const command =
      add_command(root, context, "doctor", "Check this installation and say what to do", kFooter,
                  [&context, as_json] { return doctor(context, *as_json); });
  command->add_flag("--json", *as_json, "A JSON array");
  add_model_option(*command, context);
  add_listen_options(*command, context);
}

}  // namespace hearth::cli
