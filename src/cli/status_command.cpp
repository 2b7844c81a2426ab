#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/daemon.h"
#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "cli/daemon_start.h"
#include "cli/models/served.h"
#include "cli/status/cores_text.h"
#include "cli/status/prometheus.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  hearth status
  hearth status --json | jq -r .url

Exit status: 0 running, 1 not running or not answering, 2 wrong settings.)";

constexpr Millis kAllCalls{10'000};

/// What a daemon says about itself.
struct Status {
  app::DaemonInfo daemon;
  std::vector<ServedModel> models{};  // the default one first
  std::string grpc{};                 // where it speaks gRPC, or why nowhere
  std::string missing{};              // empty: ready
  std::uint64_t uptime_s = 0;
  Metrics metrics{};
};

Result<Status> ask_status(const app::DaemonInfo& daemon, const config::Config& config) {
  const Call call = Call::within(kAllCalls);
  const DaemonClient client(daemon, config);
  Status status{.daemon = daemon};
  TRY(const nlohmann::json health, client.get_json(call, "/health"));
  if (health.is_object() && health.contains("uptime_s") && health["uptime_s"].is_number_unsigned())
    status.uptime_s = health["uptime_s"].get<std::uint64_t>();
  TRY(status.missing, client.missing(call));
  TRY(status.models, served_models(call, client));
  status.grpc = grpc_text(daemon, config);
  TRY(const net::Response metrics, client.get(call, "/metrics"));
  status.metrics = Metrics(metrics.body);
  return status;
}

nlohmann::ordered_json models_json(const std::vector<ServedModel>& models) {
  auto all = nlohmann::ordered_json::array();
  for (const ServedModel& model : models)
    all.push_back({{"name", model.name},
                   {"level", model.level},
                   {"state", model.state},
                   {"state_text", model.state_text}});
  return all;
}

nlohmann::ordered_json to_json(const Status& status) {
  const auto count = [&](const char* name) {
    return static_cast<std::uint64_t>(status.metrics.sum(name));
  };
  return {{"running", true},
          {"pid", status.daemon.pid},
          {"url", status.daemon.url()},
          {"grpc", status.daemon.grpc},
          {"version", status.daemon.version},
          {"model", status.models.empty() ? "" : status.models.front().name},
          {"models", models_json(status.models)},
          {"ready", status.missing.empty()},
          {"missing", status.missing},
          {"uptime_s", status.uptime_s},
          {"requests",
           {{"total", count("hearth_requests_total")},
            {"running", count("hearth_requests_running")},
            {"waiting", count("hearth_requests_waiting")}}},
          {"tokens",
           {{"prompt", count("hearth_prompt_tokens_total")},
            {"completion", count("hearth_completion_tokens_total")}}},
          {"cores",
           {{"threads", count("hearth_engine_threads")},
            {"available", count("hearth_engine_cores")},
            {"limited_by", status.metrics.label("hearth_engine_threads_limit", "by")}}}};
}

void print(const Status& status) {
  const Style style = Style::of(STDOUT_FILENO);
  const auto count = [&](const char* name) {
    return std::to_string(static_cast<std::uint64_t>(status.metrics.sum(name)));
  };
  Table table;
  table.add_row(
      {"state", status.missing.empty() ? style.green("ready") : style.yellow(status.missing)});
  table.add_row({"pid", std::to_string(status.daemon.pid)});
  table.add_row({"url", status.daemon.url()});
  table.add_row({"grpc", status.grpc});
  for (const ServedModel& model : status.models)
    table.add_row({"model", printable(model.name + ", " + model.level + ", " + state_of(model))});
  table.add_row({"version", status.daemon.version});
  table.add_row({"uptime", elapsed_text(status.uptime_s)});
  table.add_row({"requests", count("hearth_requests_total") + " in all, " +
                                 count("hearth_requests_running") + " running, " +
                                 count("hearth_requests_waiting") + " waiting"});
  table.add_row({"tokens", count("hearth_prompt_tokens_total") + " read, " +
                               count("hearth_completion_tokens_total") + " written"});
  if (const std::string cores = cores_text(status.metrics); !cores.empty())
    table.add_row({"cores", cores});
  std::cout << table.text();
}

int not_running(bool as_json, const std::string& data_dir) {
  if (as_json) {
    std::cout << nlohmann::ordered_json{{"running", false}}.dump(2) << "\n";
  } else {
    std::cout << "no daemon runs for " << data_dir << "\n";
  }
  return kFailed;
}

int show_status(const Context& context, bool as_json) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const config::Config& config = loaded.value().config;
  const auto daemon = app::find_daemon(config.data_dir);
  if (!daemon.ok()) return fail(daemon.error());
  if (!daemon.value()) return not_running(as_json, config.data_dir);
  const std::string who = "the daemon (pid " + std::to_string(daemon.value()->pid) + ") ";
  if (daemon.value()->port == 0) return fail({Code::Unavailable, who + "is starting or stopping"});
  const auto status = ask_status(*daemon.value(), config);
  if (!status.ok())
    return fail({status.error().code, who + "does not answer: " + status.error().message});
  if (as_json) {
    std::cout << to_json(status.value()).dump(2) << "\n";
  } else {
    print(status.value());
  }
  return kDone;
}

}  // namespace

void add_status_command(CLI::App& root, Context& context) {
  const auto as_json = std::make_shared<bool>(false);
  add_command(root, context, "status", "Say what the daemon is doing", kFooter,
              [&context, as_json] { return show_status(context, *as_json); })
      ->add_flag("--json", *as_json, "One JSON object");
}

}  // namespace hearth::cli
