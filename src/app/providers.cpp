#include "app/providers.h"

#include <utility>

#include "api/sessions/owner.h"
#include "app/outside.h"
#include "base/log.h"
#include "config/prices.h"

namespace hearth::app {
namespace {

using Settings = config::Config::Provider;

Result<std::optional<policy::MicroDollars>> read_cap(const char* name, const std::string& text) {
  if (text.empty()) return std::optional<policy::MicroDollars>();
  const auto amount = policy::parse_dollars(text);
  if (amount.ok()) return std::optional(amount.value());
  return Error{Code::InvalidInput, std::string(name) + ": " + amount.error().message, name};
}

Result<policy::Caps> read_caps(const config::Config::Budget& budget) {
  policy::Caps caps;
  TRY(caps.day, read_cap("budget.day_max", budget.day_max));
  TRY(caps.month, read_cap("budget.month_max", budget.month_max));
  TRY(caps.session, read_cap("budget.session_max", budget.session_max));
  TRY(caps.owner_day, read_cap("budget.token_day_max", budget.token_day_max));
  const std::pair<const char*, const std::string*> kPurposes[chat::kPurposes] = {
      {"budget.chat_day_max", &budget.chat_day_max},
      {"budget.tool_day_max", &budget.tool_day_max},
      {"budget.compaction_day_max", &budget.compaction_day_max},
      {"budget.heartbeat_day_max", &budget.heartbeat_day_max}};
  for (std::size_t i = 0; i < chat::kPurposes; ++i) {
    TRY(caps.purpose_day[i], read_cap(kPurposes[i].first, *kPurposes[i].second));
  }
  return caps;
}

/// The key, or why there is none. A kind that needs none may have one all the same.
Result<void> read_key(const Settings& settings, const config::Environment& environment,
                      model::ProviderOptions& options) {
  if (!settings.key_file.empty()) {
    auto key = vault::read_secret_file(settings.key_file);
    options.key_from = settings.key_file;
    if (key.ok())
      options.key = std::move(key).value();
    else
      options.trouble = "no key: " + key.error().message + "; then start the daemon again";
    return ok();
  }
  const std::string variable = key_variable_of(settings);
  if (variable.empty()) return ok();
  const auto found = environment.find(variable);
  options.key_from = variable;
  if (found != environment.end() && !found->second.empty())
    options.key = vault::Secret(found->second);
  else
    options.trouble = "no key: set " + variable + " in the environment, or provider.key_file";
  return ok();
}

Result<model::ProviderOptions> options_of(const Settings& settings,
                                          const config::Environment& environment) {
  model::ProviderOptions options;
  options.name = settings.name;
  options.kind = settings.kind;
  options.url = settings.url;
  TRY_VOID(read_key(settings, environment, options));
  options.context_tokens = settings.context_tokens;
  options.answer_tokens_max = settings.answer_tokens_max;
  options.requests_max = settings.requests_max;
  options.retries_max = settings.retries_max;
  options.retry_wait_max = settings.retry_wait_max;
  options.first_byte_timeout = settings.first_byte_timeout;
  options.token_timeout = settings.token_timeout;
  options.request_timeout = settings.request_timeout;
  return options;
}

/// A file that is not there is named by its setting; what is wrong in it, by its line.
Result<std::vector<config::PriceLine>> read_prices(const std::string& path) {
  auto lines = config::load_prices(path);
  if (lines.ok() || lines.error().code == Code::InvalidInput) return lines;
  return Error{lines.error().code, "budget.price_file: " + lines.error().message,
               "budget.price_file"};
}

}  // namespace

std::string key_variable_of(const Settings& provider) {
  if (!provider.key_file.empty()) return "";
  return provider.key_env.empty() ? model::Provider::usual_key_variable(provider.kind)
                                  : provider.key_env;
}

Result<std::string> trouble_of(const config::Config& config, const Settings& provider,
                               const config::Environment& environment) {
  const SystemTime time;
  metrics::Registry metrics;
  TRY(const auto client, open_outside(config, environment));
  TRY(auto options, options_of(provider, environment));
  const std::string trouble = options.trouble;
  TRY(const auto opened, model::Provider::open(std::move(options), *client, time, metrics));
  return trouble;
}

Result<model::CashierOptions> cashier_options(const config::Config& config) {
  model::CashierOptions options;
  TRY(options.caps, read_caps(config.budget));
  TRY(const auto lines, read_prices(config.budget.price_file));
  for (const config::PriceLine& line : lines) {
    TRY(auto entry, policy::read_price({.model = line.model,
                                        .input = line.input,
                                        .output = line.output,
                                        .cache_read = line.cache_read,
                                        .cache_write = line.cache_write,
                                        .date = line.date,
                                        .source = line.source,
                                        .origin = line.origin}));
    options.prices.add(std::move(entry));
  }
  options.owner_of = api::owner_of;
  return options;
}

Result<std::unique_ptr<Providers>> Providers::open(const config::Config& config,
                                                   const config::Environment& environment,
                                                   model::Cashier& cashier, const TimeSource& time,
                                                   metrics::Registry& metrics,
                                                   model::Metered::Told told) {
  std::unique_ptr<Providers> opened(new Providers(cashier, time, std::move(told)));
  if (config.providers.empty()) return opened;
  TRY(opened->client_, open_outside(config, environment));
  for (const Settings& settings : config.providers) {
    TRY(auto options, options_of(settings, environment));
    if (!options.trouble.empty()) log::warn("provider '{}': {}", settings.name, options.trouble);
    TRY(auto provider, model::Provider::open(std::move(options), *opened->client_, time, metrics));
    opened->providers_.push_back(std::move(provider));
    opened->settings_.push_back(settings);
  }
  return opened;
}

Providers::Made Providers::make(const Settings& settings, model::Model& model,
                                std::string_view id) {
  Made made;
  if (!settings.free)
    made.paid = cashier_.paid(model, {.provider = settings.name,
                                      .kind = settings.kind,
                                      .id = std::string(id),
                                      .answer_tokens_max = settings.answer_tokens_max});
  made.metered = std::make_unique<model::Metered>(
      made.paid ? *made.paid : model, time_, told_,
      model::MeteredAs{.provider = settings.name, .is_paid = made.paid != nullptr});
  return made;
}

model::Model* Providers::find(std::string_view name) {
  MutexLock lock(mutex_);
  if (const auto known = made_.find(name); known != made_.end()) return known->second.metered.get();
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view id = name.substr(slash + 1);
  for (std::size_t i = 0; i < providers_.size(); ++i) {
    if (providers_[i]->name() != name.substr(0, slash)) continue;
    model::Model* const model = providers_[i]->model(id);
    if (!model) return nullptr;
    return made_.emplace(name, make(settings_[i], *model, id)).first->second.metered.get();
  }
  return nullptr;
}

std::vector<model::RoutedModel> Providers::listed() {
  using model::router::Level;
  std::vector<model::RoutedModel> all;
  for (const Settings& settings : settings_)
    for (const auto& [ids, level] : {std::pair(&settings.models, Level::Strategic),
                                     std::pair(&settings.tactical_models, Level::Tactical)})
      for (const std::string& id : *ids)
        if (model::Model* const model = find(settings.name + "/" + id))
          all.push_back(
              {.model = model, .level = level, .is_local = false, .circuit = settings.name});
  return all;
}

}  // namespace hearth::app
