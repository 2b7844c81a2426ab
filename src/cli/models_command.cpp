#include <iostream>
#include <memory>

#include "app/daemon.h"
#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "cli/models/listing.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter =
    R"(With a running daemon: what it has, and the state that each is in. Without one, or with
--model: what the settings name ([model], [[pool.model]], the models that a [[provider]]
lists) and Ember, which is inside this program. The one that answers requests which name
none is marked. Any other model of a provider can be asked as PROVIDER/MODEL, and auto,
local, operational, tactical and strategic choose one.

Examples:
  hearth models
  hearth models --json | jq -r '.[].name'
  hearth run --model NAME "Hello"

Exit status: 0 listed, 1 the model that is marked cannot be read, or the daemon does not
answer, 2 wrong settings.)";

constexpr Millis kAnswersWithin{5'000};

Result<std::vector<ListedModel>> find(const Context& context, const config::Config& config) {
  if (context.overrides.model_path) return listed(config);
  TRY(const auto daemon, app::find_daemon(config.data_dir));
  if (!daemon || daemon->port == 0) return listed(config);
  TRY(const auto served,
      served_models(Call::within(kAnswersWithin), DaemonClient(*daemon, config)));
  return listed(served);
}

int models(const Context& context, bool as_json) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const auto found = find(context, loaded.value().config);
  if (!found.ok()) return fail(found.error());
  if (as_json) {
    std::cout << to_json(found.value())
                     .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
  } else {
    std::cout << models_table(found.value());
  }
  for (const ListedModel& model : found.value())
    if (model.is_default && !model.error.empty()) return fail({Code::Unavailable, model.error});
  return kDone;
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
