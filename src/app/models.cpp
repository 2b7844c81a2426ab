#include "app/models.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/utf8.h"
#include "engine/builtin_model.h"
#include "engine/runtime/machine.h"
#include "model/catalogue.h"
#include "model/local/local_model.h"

namespace hearth::app {
namespace {

constexpr std::uint32_t kContextDefault = 8'192;  // as an engine chooses it
constexpr int kSelfTestsMax = 3;
constexpr std::uint32_t kSelfTestTokens = 64;
constexpr std::size_t kQuotedBytesMax = 200;

config::Config with_model(const config::Config& config, const config::Config::Model& model) {
  config::Config result = config;
  result.model = model;
  result.pool.models.clear();
  return result;
}

/// A pool's model without a path is one that was pulled, or Ember.
config::Config::Model with_path(const config::Config& config, config::Config::Model model) {
  if (model.path.empty() && model.name != engine::kBuiltinModelName)
    model.path = config.data_dir + "/models/" + model.name + ".gguf";
  return model;
}

double bytes_per_value(engine::KvType type) {
  return type == engine::KvType::Q8_0 ? 34.0 / 32.0 : 2.0;
}

Result<engine::ModelFacts> read_facts(const std::string& path) {
  return path.empty() ? engine::parse_model_facts(engine::builtin_model_bytes())
                      : engine::read_model_facts(path);
}

model::PoolFile look_at(const model::LocalOptions& options) {
  auto facts = read_facts(options.path);
  if (!facts.ok()) {
    const std::string& message = facts.error().message;
    return {.trouble = (message.starts_with(options.path) ? "" : options.path + ": ") + message};
  }
  model::PoolFile file{.facts = std::move(facts).value()};
  const std::uint32_t wanted =
      options.load.context_tokens > 0 ? options.load.context_tokens : kContextDefault;
  const std::uint32_t own = file.facts.context_tokens;
  file.context_tokens = own > 0 ? std::min(wanted, own) : wanted;
  file.memory_bytes = engine::memory_needed_bytes(
      file.facts, std::uint64_t{file.context_tokens} * options.load.slots,
      bytes_per_value(options.load.kv_type));
  if (file.facts.name.empty()) file.facts.name = options.name;
  return file;
}

Result<model::LocalOptions> options_of(const config::Config& config,
                                       const config::Config::Pooled& pooled) {
  return model::local_options(with_model(config, with_path(config, pooled.model)));
}

/// For people, with the remedy where there is one.
model::PoolFile with_remedy(const config::Config& config, const PooledFile& pooled) {
  model::PoolFile file = pooled.file;
  const std::string command = file.trouble.empty() ? "" : how_to_get(config, pooled);
  if (!command.empty()) file.trouble += "; get it with: " + command;
  return file;
}

PooledFile look_at_one(const model::LocalOptions& options, const config::Config::Pooled& pooled) {
  PooledFile found{.settings = pooled, .names_file = !pooled.model.path.empty()};
  found.settings.model.path = options.path;
  found.settings.model.name = options.name;
  found.file = look_at(options);
  return found;
}

/// What a daemon writes into its log about a file that it will load.
void warn_about(const PooledFile& pooled, const model::PoolFile& file) {
  const std::string& name = pooled.settings.model.name;
  if (!file.trouble.empty()) log::warn("model '{}': {}", name, file.trouble);
  if (const auto note = context_note(pooled.settings.model, file.facts); !note.empty())
    log::warn("model '{}': {}", name, note);
}

Result<model::PoolEntry> entry_of(const config::Config& config,
                                  const config::Config::Pooled& pooled, const TimeSource& time,
                                  metrics::Registry& metrics) {
  TRY(const auto options, options_of(config, pooled));
  const PooledFile found = look_at_one(options, pooled);
  model::PoolEntry entry;
  entry.name = options.name;
  entry.open = [options, &time, &metrics]() -> Result<std::unique_ptr<model::Model>> {
    TRY(auto model, model::LocalModel::open(options, time, metrics));
    return std::unique_ptr<model::Model>(std::move(model));
  };
  entry.at_start = pooled.level == "operational";
  entry.pinned = pooled.pinned;
  entry.idle_timeout = pooled.idle_timeout;
  entry.queue_max = options.queue_max;
  entry.request_timeout = options.request_timeout;
  entry.file = with_remedy(config, found);
  entry.look = [options, found, config] {
    PooledFile again = found;
    again.file = look_at(options);
    return with_remedy(config, again);
  };
  if (entry.at_start && !entry.file.trouble.empty())
    return Error{Code::Unavailable, entry.file.trouble, "pool.model.path"};
  warn_about(found, entry.file);
  return entry;
}

/// [model], if it is one of its own, stands before those of the pool.
std::vector<config::Config::Pooled> all_pooled(const config::Config& config) {
  std::vector<config::Config::Pooled> all = config.pool.models;
  if (!config.model.path.empty())
    all.insert(all.begin(), {.model = config.model, .level = "operational", .pinned = true});
  return all;
}

model::router::Level level_of(const std::string& name) {
  using model::router::Level;
  for (const Level level : {Level::Operational, Level::Tactical})
    if (name == model::router::level_name(level)) return level;
  return Level::Strategic;
}

/// Over the models of this machine, and those of others behind them.
void add_router(const config::Config& config, const TimeSource& time, metrics::Registry& metrics,
                OpenModels& open) {
  const auto pooled = all_pooled(config);
  std::vector<model::RoutedModel> routed;
  for (std::size_t i = 0; i < open.all.size(); ++i)
    routed.push_back({open.all[i], pooled.empty() ? model::router::Level::Operational
                                                  : level_of(pooled[i].level)});
  for (const model::RoutedModel& remote : open.remote) {
    routed.push_back(remote);
    open.all.push_back(remote.model);
  }
  std::string help;
  for (const std::string& line : config.router.help_lines)
    help += (help.empty() ? "" : "\n") + line;
  open.router = std::make_unique<model::Router>(
      std::move(routed),
      model::RouterOptions{.forwards_while_loading = config.router.forwards_while_loading,
                           .watches_for_crises = config.router.watches_for_crises,
                           .help_lines = std::move(help)},
      time, metrics);
}

void meter(const std::vector<model::Model*>& models, const TimeSource& time,
           const model::Metered::Told& told, OpenModels& open) {
  for (model::Model* const model : models) {
    open.metered.push_back(std::make_unique<model::Metered>(*model, time, told));
    open.all.push_back(open.metered.back().get());
  }
}

std::string quoted(std::string text) {
  if (text.size() > kQuotedBytesMax) {
    text.resize(kQuotedBytesMax);
    text.resize(utf8_complete_bytes(text));
    text += "…";
  }
  std::ranges::replace(text, '\n', ' ');
  return "\"" + text + "\"";
}

/// Of the one model that there is; whatever else is wrong with its file, loading it will say.
void warn_about_context(const config::Config& config) {
  if (config.model.context_tokens == 0) return;  // the usual: no file is read for it
  const auto facts = read_facts(config.model.path);
  const std::string note = facts.ok() ? context_note(config.model, facts.value()) : "";
  if (!note.empty()) log::warn("{}", note);
}

}  // namespace

std::uint64_t pool_memory_bytes_max(const config::Config& config) {
  if (config.pool.memory_bytes_max > 0) return config.pool.memory_bytes_max;
  return engine::Machine().memory_available_bytes() / 4 * 3;
}

std::string how_to_get(const config::Config& config, const PooledFile& pooled) {
  std::error_code ignored;
  const std::string& name = pooled.settings.model.name;
  if (pooled.names_file || std::filesystem::exists(pooled.settings.model.path, ignored)) return "";
  const auto catalogue = model::Catalogue::load(config.data_dir + "/catalogue.json");
  return catalogue.ok() && catalogue.value().find(name) ? "hearth pull " + name : "";
}

std::string context_note(const config::Config::Model& model, const engine::ModelFacts& facts) {
  const std::uint32_t own = facts.context_tokens;
  if (own == 0 || model.context_tokens <= own) return "";
  return "context_tokens is " + std::to_string(model.context_tokens) + ", but the file holds " +
         std::to_string(own) + ": so many are used";
}

Result<std::vector<PooledFile>> look_at_pool(const config::Config& config) {
  std::vector<PooledFile> all;
  if (config.pool.models.empty()) return all;
  for (const config::Config::Pooled& pooled : all_pooled(config)) {
    TRY(const auto options, options_of(config, pooled));
    all.push_back(look_at_one(options, pooled));
  }
  return all;
}

std::uint64_t start_memory_bytes(const std::vector<PooledFile>& all) {
  std::uint64_t sum = 0;
  for (const PooledFile& pooled : all)
    if (pooled.settings.level == "operational") sum += pooled.file.memory_bytes;
  return sum;
}

config::Config with_default_model(const config::Config& config) {
  const bool is_pooled = config.model.path.empty() && !config.pool.models.empty();
  return with_model(config,
                    is_pooled ? with_path(config, config.pool.models.front().model) : config.model);
}

Result<std::unique_ptr<model::Model>> open_model(const config::Config& config,
                                                 const TimeSource& time,
                                                 metrics::Registry& metrics) {
  TRY(auto options, model::local_options(with_default_model(config)));
  TRY(auto model, model::LocalModel::open(std::move(options), time, metrics));
  return std::unique_ptr<model::Model>(std::move(model));
}

Result<OpenModels> open_models(const config::Config& config, const TimeSource& time,
                               metrics::Registry& metrics, const model::Metered::Told& told,
                               std::vector<model::RoutedModel> remote) {
  OpenModels open;
  open.remote = std::move(remote);
  if (config.pool.models.empty()) {
    TRY(open.alone, open_model(config, time, metrics));
    warn_about_context(config);
    meter({open.alone.get()}, time, told, open);
    add_router(config, time, metrics, open);
    return open;
  }
  std::vector<model::PoolEntry> entries;
  for (const config::Config::Pooled& pooled : all_pooled(config)) {
    TRY(model::PoolEntry entry, entry_of(config, pooled, time, metrics));
    entries.push_back(std::move(entry));
  }
  TRY(open.pool, model::Pool::open(std::move(entries),
                                   {.memory_bytes_max = pool_memory_bytes_max(config),
                                    .residence_min = config.pool.residence_min},
                                   time, metrics));
  meter(open.pool->models(), time, told, open);
  const std::size_t first = config.model.path.empty() ? 0 : 1;
  for (std::size_t i = first; i < open.all.size(); ++i)
    if (!open.all[i]->is_on_demand()) open.tried.push_back(open.all[i]);
  add_router(config, time, metrics, open);
  return open;
}

Error load_error(const config::Config& config, const model::Model& model) {
  const std::string& path = config.model.path;
  const std::string why = model.state_text();
  const bool is_default =
      model.name() == with_default_model(config).model.name || config.pool.models.empty();
  const bool is_told = path.empty() || why.starts_with(path);
  const std::string file =
      is_default ? (is_told ? "" : path + ": ") : "model '" + model.name() + "': ";
  return {Code::Unavailable, file + why, "model.path"};
}

Result<void> self_test(const Call& call, model::Model& model) {
  std::string last;
  for (int tried = 0; tried < kSelfTestsMax; ++tried) {
    chat::Request request{.prompt = chat::Conversation{
                              .messages = {{.role = chat::Role::User,
                                            .content = "Respond with OK if you are working."}}}};
    request.tokens_max = kSelfTestTokens;
    request.sampling.temperature = tried == 0 ? 0.0f : 0.7f;  // the likeliest answer, then others
    request.sampling.seed = static_cast<std::uint32_t>(tried);
    const auto answer = model::generate(call, model, std::move(request));
    if (answer.ok() && answer.value().message.content.find("OK") != std::string::npos) return ok();
    if (!answer.ok() &&
        (answer.error().code == Code::Cancelled || answer.error().code == Code::Timeout))
      return answer.error();
    last = answer.ok() ? "it answered " + quoted(answer.value().message.content)
                       : answer.error().message;
  }
  return Error{Code::Unavailable, "model '" + model.name() +
                                      "' does not pass its self-test (\"Respond with OK if you are "
                                      "working.\", " +
                                      std::to_string(kSelfTestsMax) + " times): " + last};
}

}  // namespace hearth::app
