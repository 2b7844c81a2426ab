#include "cli/model_choice.h"

#include <filesystem>

#include "cli/models/served.h"
#include "engine/builtin_model.h"

namespace hearth::cli {
namespace {

bool is_file(const std::string& text) {
  for (const char* const start : {"/", "./", "../", "~/"})
    if (text.starts_with(start)) return true;
  std::error_code ignored;
  const auto status = std::filesystem::status(text, ignored);
  return text.ends_with(".gguf") ||
         (std::filesystem::exists(status) && !std::filesystem::is_directory(status));
}

}  // namespace

Result<engine::ModelFacts> facts_of(const std::string& path) {
  return path.empty() ? engine::parse_model_facts(engine::builtin_model_bytes())
                      : engine::read_model_facts(path);
}

std::string take_model_name(config::Overrides& overrides) {
  if (!overrides.model_path || overrides.model_path->empty() || is_file(*overrides.model_path))
    return "";
  std::string name = *overrides.model_path;
  overrides.model_path.reset();
  return name;
}

Result<std::string> model_to_ask(const Call& call, const DaemonClient& client,
                                 const std::string& wanted) {
  if (wanted.empty()) {
    TRY(DaemonClient::Offer offer, client.offer(call));
    return std::move(offer.name);
  }
  const auto found = client.get_json(call, model_target(wanted));
  if (found.ok()) return wanted;
  if (found.error().code != Code::NotFound) return found.error();
  TRY(const auto served, served_models(call, client));
  std::string names;
  for (const ServedModel& model : served) names += (names.empty() ? "" : ", ") + model.name;
  return Error{Code::NotFound, "there is no file " + wanted +
                                   ", and the daemon has no model of that name; it has " + names +
                                   ", and auto, which chooses"};
}

}  // namespace hearth::cli
