#include "cli/models/served.h"

#include <cctype>

#include "cli/ask/answer_fields.h"
#include "net/percent.h"

namespace hearth::cli {
namespace {

using nlohmann::json;

constexpr Millis kAnswersWithin{5'000};

}  // namespace

Result<std::vector<ServedModel>> served_models(const Call& call, const DaemonClient& client) {
  TRY(const json body, client.get_json(call, "/v1/models"));
  const Error strange{Code::Unavailable, "the daemon's models cannot be understood"};
  if (!body.is_object() || !body.contains("data") || !body["data"].is_array()) return strange;
  std::vector<ServedModel> models;
  for (const json& one : body["data"]) {
    if (!one.is_object() || text_in(one, "id").empty()) return strange;
    models.push_back({.name = text_in(one, "id"),
                      .level = text_in(one, "level"),
                      .state = text_in(one, "state"),
                      .state_text = text_in(one, "state_text"),
                      .meta = one.value("meta", json::object())});
    if (!models.back().meta.is_object()) models.back().meta = json::object();
  }
  return models;
}

std::vector<ServedModel> served_now(const config::Config& config) {
  const auto daemon = app::find_daemon(config.data_dir);
  if (!daemon.ok() || !daemon.value() || daemon.value()->port == 0) return {};
  auto models = served_models(Call::within(kAnswersWithin), DaemonClient(*daemon.value(), config));
  return models.ok() ? std::move(models).value() : std::vector<ServedModel>();
}

std::string model_target(const std::string& name) {
  // In a path every byte that may mean something is written as %XX; names of models have few.
  std::string path = "/v1/models/";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '/' ||
                       c == ':' || c == '+';
    path += plain ? std::string(1, c) : net::percent_encoded({&c, 1});
  }
  return path;
}

std::string state_of(const ServedModel& model) {
  if (model.state_text.empty()) return model.state;
  return model.state_text.starts_with(model.state) ? model.state_text
                                                   : model.state + ": " + model.state_text;
}

}  // namespace hearth::cli
