#include "cli/models/listing.h"

#include <filesystem>

#include "app/models.h"
#include "cli/ask/answer_fields.h"
#include "cli/model_choice.h"
#include "cli/terminal/style.h"
#include "cli/terminal/table.h"
#include "engine/builtin_model.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kBuiltIn = "built in";

void describe(const engine::ModelFacts& facts, ListedModel& model) {
  model.architecture = facts.architecture;
  model.quantization = facts.quantization;
  model.parameters = facts.parameters;
  model.size_bytes = facts.size_bytes;
  model.context_tokens = facts.context_tokens;
}

std::uint64_t number_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// One that stands alone: of a file, or Ember for an empty path.
ListedModel of_file(std::string name, const std::string& path) {
  ListedModel model{.name = std::move(name), .where = path.empty() ? kBuiltIn : path};
  const auto facts = facts_of(path);
  if (facts.ok())
    describe(facts.value(), model);
  else
    model.error = facts.error().message;
  return model;
}

/// As the daemon names it: model.name, else the file's name without ".gguf".
std::string name_of(const config::Config::Model& model) {
  if (!model.name.empty()) return model.name;
  return model.path.empty() ? engine::kBuiltinModelName
                            : std::filesystem::path(model.path).stem().string();
}

std::vector<ListedModel> without_pool(const config::Config& config) {
  std::vector<ListedModel> models = {of_file(name_of(config.model), config.model.path)};
  if (!config.model.path.empty()) models.push_back(of_file(engine::kBuiltinModelName, ""));
  return models;
}

std::vector<ListedModel> in_pool(const config::Config& config) {
  std::vector<ListedModel> models;
  const auto pool = app::look_at_pool(config);
  if (!pool.ok()) return models;
  for (const app::PooledFile& pooled : pool.value()) {
    const config::Config::Model& settings = pooled.settings.model;
    ListedModel model{.name = settings.name,
                      .level = pooled.settings.level,
                      .where = settings.path.empty() ? kBuiltIn : settings.path,
                      .error = pooled.file.trouble};
    if (model.error.empty()) describe(pooled.file.facts, model);
    models.push_back(std::move(model));
  }
  return models;
}

void add_remote(const config::Config& config, std::vector<ListedModel>& models) {
  for (const config::Config::Provider& provider : config.providers)
    for (const auto& [ids, level] : {std::pair(&provider.models, "strategic"),
                                     std::pair(&provider.tactical_models, "tactical")})
      for (const std::string& id : *ids)
        models.push_back({.name = provider.name + "/" + id,
                          .level = level,
                          .where = "provider " + provider.name,
                          .context_tokens = provider.context_tokens});
}

std::string or_nothing(std::uint64_t number, std::string text) { return number ? text : ""; }

std::string last_column(const ListedModel& model) {
  if (!model.state.empty())
    return state_of({.name = "", .state = model.state, .state_text = model.state_text});
  if (model.error.empty()) return model.where;
  const bool is_told = model.error.find(model.where) != std::string::npos;
  return is_told ? model.error : model.where + ": " + model.error;
}

}  // namespace

std::vector<ListedModel> listed(const std::vector<ServedModel>& served) {
  std::vector<ListedModel> models;
  for (const ServedModel& one : served)
    models.push_back({.name = one.name,
                      .is_default = models.empty(),
                      .level = one.level,
                      .state = one.state,
                      .state_text = one.state_text,
                      .architecture = text_in(one.meta, "architecture"),
                      .quantization = text_in(one.meta, "ftype"),
                      .parameters = number_in(one.meta, "n_params"),
                      .size_bytes = number_in(one.meta, "size"),
                      .context_tokens = number_in(one.meta, "n_ctx")});
  return models;
}

std::vector<ListedModel> listed(const config::Config& config) {
  std::vector<ListedModel> models =
      config.pool.models.empty() ? without_pool(config) : in_pool(config);
  if (!models.empty()) models.front().is_default = true;
  add_remote(config, models);
  return models;
}

std::string models_table(const std::vector<ListedModel>& models) {
  const bool has_states = !models.empty() && !models.front().state.empty();
  Table table;
  table.add_row({"", "NAME", "LEVEL", "ARCHITECTURE", "PARAMETERS", "QUANTIZATION", "SIZE",
                 "CONTEXT", has_states ? "STATE" : "WHERE"});
  for (const ListedModel& model : models)
    table.add_row(
        {model.is_default ? "*" : "", printable(model.name), printable(model.level),
         printable(model.architecture), or_nothing(model.parameters, count_text(model.parameters)),
         printable(model.quantization), or_nothing(model.size_bytes, bytes_text(model.size_bytes)),
         or_nothing(model.context_tokens, std::to_string(model.context_tokens)),
         printable(last_column(model))});
  return table.text();
}

json to_json(const std::vector<ListedModel>& models) {
  json all = json::array();
  for (const ListedModel& model : models) {
    const bool has_file = !model.where.empty() && model.where.front() == '/';
    json one = {{"name", model.name},
                {"path", has_file ? json(model.where) : json(nullptr)},
                {"in_use", model.is_default},
                {"level", model.level}};
    if (!model.state.empty()) one["state"] = model.state;
    if (!model.state_text.empty()) one["state_text"] = model.state_text;
    if (!model.error.empty()) one["error"] = model.error;
    one.update({{"architecture", model.architecture},
                {"quantization", model.quantization},
                {"parameters", model.parameters},
                {"size_bytes", model.size_bytes},
                {"context_tokens", model.context_tokens}});
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace hearth::cli
