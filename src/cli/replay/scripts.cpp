#include "cli/replay/scripts.h"

#include <fstream>
#include <iostream>
#include <memory>

#include "app/oneshot.h"
#include "app/script_run.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/style.h"

namespace hearth::cli {
namespace {

Result<app::TurnScript> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{Code::NotFound, "there is no file " + file};
  std::string text(app::kScriptBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto script = app::read_turn_script(text);
  if (script.ok()) return script;
  return Error{script.error().code, file + ": " + script.error().message, script.error().field};
}

void print(const std::string& file, const app::TurnScript& script, const app::ScriptRun& run) {
  const std::string about = script.about.empty() ? "" : ": " + printable(script.about);
  std::cout << (run.faults.empty() ? "ok      " : "FAILED  ") << file << about << "\n";
  for (const std::string& fault : run.faults) std::cout << "  " << printable(fault) << "\n";
  for (std::size_t i = 0; i < run.turns.size(); ++i) {
    if (script.turns[i].expect) continue;
    std::cout << "  turn " << i << ", of which nothing is expected:\n";
    for (const std::string& line : run.turns[i]) std::cout << "    " << printable(line) << "\n";
  }
  std::cout.flush();
}

}  // namespace

bool is_script(const std::string& name) { return name.ends_with(".turn"); }

Result<bool> run_scripts(const Call& call, const config::Config& config,
                         const std::vector<std::string>& files) {
  metrics::Registry metrics;
  std::unique_ptr<model::Model> model;
  Progress progress;
  bool all = true;
  for (const std::string& file : files) {
    TRY(const app::TurnScript script, read_file(file));
    if (!script.says && !model) {
      TRY(model, app::open_oneshot(call, config, metrics, [&](const std::string& state) {
            progress.show(state, fraction_in(state));
          }));
      progress.clear();
    }
    TRY(const app::ScriptRun run, app::run_script(call, config, script, model.get()));
    print(file, script, run);
    all = all && run.faults.empty();
  }
  return all;
}

}  // namespace hearth::cli
