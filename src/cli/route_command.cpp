#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/daemon.h"
#include "cli/ask/daemon_client.h"
#include "cli/context.h"
#include "model/router.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr Millis kAnswersWithin{5'000};
constexpr const char* kFooter =
    R"(Tells which model a request for the model "auto" would go to, and why: the rules that
spoke, with their points, and the level that follows from the sum. From 1 on it is
tactical, from 4 on strategic. A running daemon is asked, which knows its models; without
one only the level is told. Nothing is sent to a model.

Examples:
  hearth route "What is the capital of Italy?"
  hearth route --model local "Compare these two designs, step by step."
  hearth route --json "Hello" | jq .level

Exit status: 0 told, 1 the daemon refused, 2 wrong command line or settings.)";

struct Options {
  std::vector<std::string> words;
  std::string model = "auto";
  bool as_json = false;
};

std::string text_of(const Options& options) {
  std::string text;
  for (const std::string& word : options.words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Without a daemon.
json assessed(const Options& options) {
  const chat::Route route = model::Router::assess(
      {.prompt = chat::Conversation{
           .messages = {{.role = chat::Role::User, .content = text_of(options)}}}});
  json out = {{"asked", options.model},
              {"model", ""},
              {"level", route.level},
              {"score", route.score},
              {"reasons", route.reasons}};
  if (!route.crisis.empty()) out["crisis"] = route.crisis;
  return out;
}

Result<json> explain(const config::Config& config, const Options& options) {
  const auto daemon = app::find_daemon(config.data_dir);
  if (!daemon.ok() || !daemon.value() || daemon.value()->port == 0) return assessed(options);
  const json body = {{"model", options.model},
                     {"messages", {{{"role", "user"}, {"content", text_of(options)}}}}};
  return DaemonClient(*daemon.value(), config)
      .send(Call::within(kAnswersWithin), "POST", "/v1/route", body.dump());
}

void print(const json& route) {
  const std::string model = route.value("model", "");
  const std::string level = route.value("level", "");
  std::cout << "model   " << (model.empty() ? "(no daemon runs)" : model) << "\n";
  std::cout << "level   " << level << ", " << route.value("score", 0) << " points\n";
  for (const auto& reason : route["reasons"])
    std::cout << "        " << reason.get<std::string>() << "\n";
  if (route.contains("crisis"))
    std::cout << "crisis  " << route["crisis"].get<std::string>()
              << ": to no small model alone, and the answer ends with router.help_lines\n";
}

int route(const Context& context, const Options& options) {
  const auto loaded = load_settings(context);
  if (!loaded.ok()) return fail_usage(loaded.error().message);
  const auto told = explain(loaded.value().config, options);
  if (!told.ok()) return fail(told.error());
  if (options.as_json) {
    std::cout << told.value().dump(2, ' ', false, json::error_handler_t::replace) << "\n";
  } else {
    print(told.value());
  }
  return kDone;
}

}  // namespace

void add_route_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      add_command(root, context, "route", "Tell which model would answer, and why", kFooter,
                  [&context, options] { return route(context, *options); });
  command->add_option("text", options->words, "What would be asked")->required();
  command
      ->add_option("--model", options->model,
                   "auto, local, operational, tactical, strategic, or a model's name")
      ->type_name("NAME");
  command->add_flag("--json", options->as_json, "One JSON object");
}

}  // namespace hearth::cli
