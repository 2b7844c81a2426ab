#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/daemon.h"
#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "cli/model_choice.h"
#include "cli/terminal/table.h"
#include "engine/builtin_model.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(Listed are Ember, which is inside this program, and the model that the settings name
(model.path, --model). The one in use is marked: by the daemon if one runs, else by the
next command.

Examples:
  hearth models
  hearth models --json | jq -r '.[].name'

Exit status: 0 listed, 1 the configured model cannot be read, 2 wrong settings.)";

struct Entry {
  std::string name;
  std::string path;  // empty: built in
  bool in_use = false;
  Result<engine::ModelFacts> facts;
};

/// As the daemon names it: model.name, else the file's name without ".gguf".
std::string configured_name(const config::Config& config) {
  return config.model.name.empty() ? std::filesystem::path(config.model.path).stem().string()
                                   : config.model.name;
}

std::vector<Entry> list(const config::Config& config) {
  std::vector<Entry> entries;
  const std::string& path = config.model.path;
  const bool renamed = path.empty() && !config.model.name.empty();
  entries.push_back(
      {renamed ? config.model.name : engine::kBuiltinModelName, "", path.empty(), facts_of("")});
  if (!path.empty()) entries.push_back({configured_name(config), path, true, facts_of(path)});
  return entries;
}

/// A running daemon knows better which model is in use.
void mark_running(const config::Config& config, std::vector<Entry>& entries) {
  const auto daemon = app::find_daemon(config.data_dir);
  if (!daemon.ok() || !daemon.value() || daemon.value()->port == 0) return;
  const auto offer = DaemonClient(*daemon.value(), config).offer(Call::within(Millis(5'000)));
  if (!offer.ok()) return;
  for (Entry& entry : entries) entry.in_use = entry.name == offer.value().name;
}

nlohmann::ordered_json to_json(const Entry& entry) {
  nlohmann::ordered_json out = {{"name", entry.name},
                                {"path", entry.path.empty() ? nlohmann::ordered_json(nullptr)
                                                            : nlohmann::ordered_json(entry.path)},
                                {"in_use", entry.in_use}};
  if (!entry.facts.ok()) {
    out["error"] = entry.facts.error().message;
    return out;
  }
  const engine::ModelFacts& facts = entry.facts.value();
  out.update({{"architecture", facts.architecture},
              {"quantization", facts.quantization},
              {"parameters", facts.parameters},
              {"size_bytes", facts.size_bytes},
              {"context_tokens", facts.context_tokens}});
  return out;
}

void print(const std::vector<Entry>& entries) {
  Table table;
  table.add_row(
      {"", "NAME", "ARCHITECTURE", "PARAMETERS", "QUANTIZATION", "SIZE", "CONTEXT", "WHERE"});
  for (const Entry& entry : entries) {
    if (!entry.facts.ok()) continue;
    const engine::ModelFacts& facts = entry.facts.value();
    table.add_row({entry.in_use ? "*" : "", entry.name, facts.architecture,
                   count_text(facts.parameters), facts.quantization, bytes_text(facts.size_bytes),
                   std::to_string(facts.context_tokens),
                   entry.path.empty() ? "built in" : entry.path});
  }
  std::cout << table.text();
}

int models(const Context& context, bool as_json) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  std::vector<Entry> entries = list(loaded.value().config);
  mark_running(loaded.value().config, entries);
  if (as_json) {
    auto all = nlohmann::ordered_json::array();
    for (const Entry& entry : entries) all.push_back(to_json(entry));
    std::cout << all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    print(entries);
  }
  int status = kDone;
  for (const Entry& entry : entries)
    if (!entry.facts.ok()) status = fail(entry.facts.error());
  return status;
}

}  // namespace

void add_models_command(CLI::App& root, Context& context) {
  const auto as_json = std::make_shared<bool>(false);
  CLI::App* const command =
      add_command(root, context, "models", "List the models that can be used", kFooter,
                  [&context, as_json] { return models(context, *as_json); });
  command->add_flag("--json", *as_json, "A JSON array");
  add_model_option(*command, context);
}

}  // namespace hearth::cli
