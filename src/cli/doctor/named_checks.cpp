#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/providers.h"
#include "base/time_source.h"
#include "cli/doctor/checks.h"
#include "cli/model_choice.h"
#include "cli/terminal/table.h"
#include "store/ledger.h"
#include "tools/workspace.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOperational = "operational";

/// "file: why", with the file once.
std::string with_file(const std::string& path, const std::string& message) {
  return message.find(path) != std::string::npos ? message : path + ": " + message;
}

const ServedModel* find_served(const std::vector<ServedModel>& served, const std::string& name) {
  const auto found =
      std::ranges::find_if(served, [&](const ServedModel& model) { return model.name == name; });
  return found == served.end() ? nullptr : &*found;
}

// ---- the pool -----------------------------------------------------------------------------------

std::string remedy_of(const config::Config& config, const app::PooledFile& pooled) {
  std::string command = app::how_to_get(config, pooled);
  if (!command.empty()) return command;
  if (pooled.settings.origin.empty()) return "correct model.path";
  return (pooled.names_file ? "correct its path, or put the file there"
                            : "put the file there, or say with path where it is") +
         std::string(" (") + pooled.settings.origin + ")";
}

Finding finding_of(const config::Config& config, const app::PooledFile& pooled,
                   const ServedModel* served) {
  const config::Config::Model& model = pooled.settings.model;
  Finding finding{.name = "pool model",
                  .detail = model.name + " (" + pooled.settings.level + "): "};
  if (!pooled.file.trouble.empty()) {
    // One that is loaded when it is asked for may still be pulled.
    const bool is_grave = pooled.settings.level == kOperational || pooled.names_file;
    finding.verdict = is_grave ? Verdict::Fail : Verdict::Warn;
    finding.detail += pooled.file.trouble;
    finding.remedy = remedy_of(config, pooled);
    return finding;
  }
  finding.detail += (model.path.empty() ? "inside this program" : model.path) + ", " +
                    bytes_text(pooled.file.memory_bytes) + " of memory";
  if (served) finding.detail += ", the daemon says: " + state_of(*served);
  if (const auto note = app::context_note(model, pooled.file.facts); !note.empty()) {
    finding.verdict = Verdict::Warn;
    finding.detail += "; " + note;
    finding.remedy = "lower its context_tokens";
  }
  if (served && served->state == "failed") {
    finding.verdict = Verdict::Fail;
    finding.remedy = "try the file by itself: hearth doctor --model FILE";
  }
  return finding;
}

/// What is loaded at the start has to fit together; serve() refuses it else.
std::vector<Finding> check_room(const config::Config& config,
                                const std::vector<app::PooledFile>& all) {
  const std::uint64_t most = app::pool_memory_bytes_max(config);
  const std::uint64_t at_start = app::start_memory_bytes(all);
  std::vector<Finding> findings;
  for (const app::PooledFile& pooled : all) {
    const std::uint64_t needed = pooled.file.memory_bytes;
    if (needed > most && pooled.settings.level != kOperational)
      findings.push_back({"pool", Verdict::Warn,
                          pooled.settings.model.name + " alone needs " + bytes_text(needed) +
                              ", all may have " + bytes_text(most) + ": it can never be loaded",
                          "raise pool.memory_bytes_max, or lower its context_tokens or slots"});
  }
  if (at_start > most)
    findings.push_back({"pool", Verdict::Fail,
                        "the models that are loaded at the start need " + bytes_text(at_start) +
                            ", all may have " + bytes_text(most),
                        "raise pool.memory_bytes_max, or make some of them tactical"});
  return findings;
}

// ---- providers ----------------------------------------------------------------------------------

/// What the daemon says of the models that it lists of a provider: they fail together.
const ServedModel* served_of(const std::vector<ServedModel>& served, const std::string& provider) {
  const auto found = std::ranges::find_if(
      served, [&](const ServedModel& model) { return model.name.starts_with(provider + "/"); });
  return found == served.end() ? nullptr : &*found;
}

std::string key_text(const config::Config::Provider& provider,
                     const config::Environment& environment) {
  if (!provider.key_file.empty()) return "key in " + provider.key_file;
  const std::string variable = app::key_variable_of(provider);
  const bool is_set = environment.contains(variable) && !environment.at(variable).empty();
  if (is_set) return "key in " + variable;
  return variable.empty() ? "no key, and none is needed" : "no key in " + variable;
}

std::string key_remedy(const config::Config::Provider& provider) {
  if (!provider.key_file.empty())
    return "write its key into that file, on one line, mode 0600 (" + provider.origin + ")";
  return "set " + app::key_variable_of(provider) +
         " in the environment of `hearth serve`, or key_file (" + provider.origin + ")";
}

Finding finding_of(const config::Config& config, const config::Config::Provider& provider,
                   const config::Environment& environment, const ServedModel* served) {
  Finding finding{.name = "provider", .detail = provider.name + ": "};
  const auto trouble = app::trouble_of(config, provider, environment);
  if (!trouble.ok())
    return {"provider", Verdict::Fail, finding.detail + trouble.error().message,
            "correct it (" + provider.origin + ")"};
  const std::string said = served ? "; the daemon says: " + state_of(*served) : "";
  if (trouble.value().empty()) {
    finding.detail += key_text(provider, environment) + said;
    if (!served || served->state != "failed") return finding;
    finding.verdict = Verdict::Warn;
    finding.remedy = "start the daemon again where the key is: hearth stop, hearth serve --detach";
    return finding;
  }
  // The environment of this command need not be that of the daemon.
  const bool daemon_has_key = served && served->state == "ready" && provider.key_file.empty();
  finding.detail += trouble.value() + said;
  if (daemon_has_key) return finding;
  finding.verdict = provider.key_file.empty() ? Verdict::Warn : Verdict::Fail;
  finding.remedy = key_remedy(provider);
  return finding;
}

/// A file that some setting names.
Finding check_file(const char* setting, const std::string& path) {
  std::ifstream file(path);
  std::error_code ignored;
  const bool is_there = fs::exists(path, ignored);
  if (file && fs::is_regular_file(path, ignored))
    return {setting, Verdict::Pass, path + " can be read"};
  return {setting, Verdict::Fail,
          std::string(setting) + ": " + path + (is_there ? " cannot be read" : " is not there"),
          "correct the setting, or make the file readable"};
}

}  // namespace

Finding check_model_file(const config::Config& config) {
  const std::string& path = config.model.path;
  const auto facts = facts_of(path);
  if (!facts.ok())
    return {"model file", Verdict::Fail, with_file(path, facts.error().message),
            "correct model.path; `hearth inspect FILE` says more"};
  const auto note = app::context_note(config.model, facts.value());
  if (!note.empty())
    return {"model file", Verdict::Warn, "model." + note, "lower model.context_tokens"};
  return {"model file", Verdict::Pass, path.empty() ? "Ember, inside this program" : path};
}

std::vector<Finding> check_pool(const config::Config& config,
                                const std::vector<ServedModel>& served) {
  const auto all = app::look_at_pool(config);
  if (!all.ok()) return {{"pool", Verdict::Fail, all.error().message, "correct it"}};
  std::vector<Finding> findings;
  for (const app::PooledFile& pooled : all.value())
    findings.push_back(finding_of(config, pooled, find_served(served, pooled.settings.model.name)));
  for (Finding& finding : check_room(config, all.value())) findings.push_back(std::move(finding));
  return findings;
}

std::vector<Finding> check_providers(const config::Config& config,
                                     const config::Environment& environment,
                                     const std::vector<ServedModel>& served) {
  std::vector<Finding> findings;
  for (const config::Config::Provider& provider : config.providers)
    findings.push_back(finding_of(config, provider, environment, served_of(served, provider.name)));
  return findings;
}

Finding check_prices(const config::Config& config) {
  const auto paying = app::cashier_options(config);
  if (!paying.ok())
    return {"prices", Verdict::Fail, paying.error().message,
            "correct it; docs/providers.md shows how such a file looks"};
  const std::string& file = config.budget.price_file;
  return {"prices", Verdict::Pass, file.empty() ? "those that Hearth comes with" : file};
}

Finding check_spending(const Call& call, const std::string& db_path) {
  std::error_code ignored;
  if (!fs::exists(db_path, ignored)) return {"spending", Verdict::Pass, "nothing was spent yet"};
  const auto store = store::Store::open_to_read(db_path);
  // What is wrong with the store has a line of its own.
  if (!store.ok()) return {"spending", Verdict::Pass, "unknown: see the check of the store"};
  const SystemTime time;
  const auto stopped = store::Ledger(*store.value(), time).stopped(call);
  if (!stopped.ok()) return {"spending", Verdict::Pass, "unknown: " + stopped.error().message};
  if (!stopped.value()) return {"spending", Verdict::Pass, "goes on, within [budget]"};
  const std::string& why = stopped.value()->why;
  return {"spending", Verdict::Warn,
          "is stopped" + (why.empty() ? "" : ": " + why) + "; paid providers are refused",
          "to go on: hearth stop-spending --release"};
}

std::vector<Finding> check_named_files(const config::Config& config) {
  std::vector<Finding> findings;
  const std::pair<const char*, const std::string*> kFiles[] = {
      {"net.ca_file", &config.net.ca_file},
      {"grpc.tls_cert", &config.grpc.tls_cert},
      {"grpc.tls_key", &config.grpc.tls_key}};
  for (const auto& [setting, path] : kFiles)
    if (!path->empty()) findings.push_back(check_file(setting, *path));
  if (config.tools.workspace.empty()) return findings;
  const auto opened =
      tools::Workspace::open({.roots = config.tools.workspace, .kept_out = {config.data_dir}});
  if (!opened.ok())
    findings.push_back({"workspace", Verdict::Fail, "tools.workspace: " + opened.error().message,
                        "correct tools.workspace"});
  return findings;
}

std::vector<Finding> check_named(const config::Config& config,
                                 const config::Environment& environment,
                                 const std::vector<ServedModel>& served) {
  std::vector<Finding> all;
  const auto add = [&all](std::vector<Finding> more) {
    for (Finding& finding : more) all.push_back(std::move(finding));
  };
  if (config.pool.models.empty()) add({check_model_file(config)});
  add(check_pool(config, served));
  add(check_providers(config, environment, served));
  if (!config.providers.empty() || !config.budget.price_file.empty()) add({check_prices(config)});
  add(check_named_files(config));
  return all;
}

}  // namespace hearth::cli
