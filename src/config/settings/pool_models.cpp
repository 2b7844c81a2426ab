#include <algorithm>

#include "config/settings/sources.h"

namespace hearth::config {
namespace {

constexpr std::size_t kModelsMax = 64;
constexpr std::int64_t kDay = 24 * 3'600'000;

using Pooled = Config::Pooled;

template <auto Member>
Target last(Config& config) {
  return &(config.pool.models.back().*Member);
}

/// What a [[pool.model]] has beside the settings of a [model].
constexpr Setting kOwn[] = {
    {"pool.model.level", Kind::Choice, last<&Pooled::level>, 0, 0,
     "operational, tactical, strategic", nullptr, "", "", false, ""},
    {"pool.model.pinned", Kind::Flag, last<&Pooled::pinned>, 0, 0, "", nullptr, "", "", false, ""},
    {"pool.model.idle_timeout", Kind::Duration, last<&Pooled::idle_timeout>, 0, 365 * kDay, "",
     nullptr, "", "", false, ""}};

const Setting* find_own(const std::string& name) {
  const auto* const found = std::find_if(std::begin(kOwn), std::end(kOwn),
                                         [&](const Setting& one) { return one.name == name; });
  return found == std::end(kOwn) ? nullptr : found;
}

const Setting* find_for(const std::string& key) {
  const Setting* const own = find_own("pool.model." + key);
  return own ? own : find_setting("model." + key);
}

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (const Setting& own : kOwn) keys.emplace_back(own.name.substr(own.name.rfind('.') + 1));
  for (const Setting& setting : settings())
    if (setting.name.starts_with("model.")) keys.emplace_back(setting.name.substr(6));
  return keys;
}

Error unknown_key(const RuleKey& key) {
  const std::string near = nearest(key.name, all_keys());
  const std::string name = "pool.model." + key.name;
  return {Code::InvalidInput,
          key.origin + ": unknown key '" + name + "'" +
              (near.empty() ? "" : "; did you mean 'pool.model." + near + "'?"),
          name};
}

/// "/" parts a provider from its model, and a name is often that of a file.
bool is_plain_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:";
  return name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<void> check_name(const std::string& name, const std::string& origin) {
  if (name.empty()) return setting_error("pool.model.name", "is required", origin);
  if (!is_plain_name(name))
    return setting_error("pool.model.name",
                         "'" + name + "': letters, digits and . _ - : are allowed", origin);
  if (is_reserved_name(name))
    return setting_error("pool.model.name", "'" + name + "' " + kReservedName, origin);
  return ok();
}

bool has(const std::vector<RuleKey>& keys, const char* name) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const RuleKey& key) { return key.name == name; });
}

}  // namespace

bool is_reserved_name(std::string_view name) {
  for (const std::string_view taken : {"auto", "local", "operational", "tactical", "strategic"})
    if (name == taken) return true;
  return false;
}

Result<void> add_pool_model(const std::vector<RuleKey>& keys, const std::string& origin,
                            Config& config) {
  auto& models = config.pool.models;
  if (models.size() == kModelsMax)
    return setting_error("pool.model", "at most " + std::to_string(kModelsMax) + " are allowed",
                         origin);
  if (!has(keys, "name")) return setting_error("pool.model.name", "is required", origin);
  Config draft;
  draft.model = config.model;
  draft.model.path.clear();
  draft.model.name.clear();
  draft.pool.models.push_back({.origin = origin});
  for (const RuleKey& key : keys) {
    const Setting* const found = find_for(key.name);
    if (!found) return unknown_key(key);
    const std::string name = "pool.model." + key.name;
    Setting named = *found;
    named.name = name;
    TRY_VOID(assign(named, draft, key.value, key.origin));
  }
  Pooled made = std::move(draft.pool.models.back());
  made.model = std::move(draft.model);
  TRY_VOID(check_name(made.model.name, origin));
  if (!has(keys, "pinned")) made.pinned = made.level == "operational";
  for (const Pooled& other : models)
    if (other.model.name == made.model.name)
      return setting_error("pool.model.name", "'" + made.model.name + "' is there already", origin);
  models.push_back(std::move(made));
  return ok();
}

std::string pool_models_text(const Config& config) {
  std::string out;
  for (const Pooled& one : config.pool.models) {
    Config draft;
    draft.model = one.model;
    draft.pool.models = {one};
    out += "\n[[pool.model]]  # " + one.origin + "\n";
    for (const std::string& key : all_keys())
      out += key + " = " + toml_text(*find_for(key), draft) + "\n";
  }
  return out;
}

}  // namespace hearth::config
