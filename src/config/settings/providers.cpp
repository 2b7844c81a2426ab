#include <algorithm>

#include "config/settings/sources.h"

namespace hearth::config {
namespace {

constexpr std::size_t kProvidersMax = 32;
constexpr std::int64_t kListed = 64;  // models of one
constexpr std::int64_t kHour = 3'600'000;
constexpr std::string_view kKinds =
    "anthropic, openai, gemini, xai, mistral, groq, openrouter, llama-server, compatible";

using Provider = Config::Provider;

bool is_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

const char* check_name(std::string_view text) {
  return is_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-_")
             ? nullptr
             : "lower case letters, digits, - and _ are allowed";
}

const char* check_variable(std::string_view text) {
  return is_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
             ? nullptr
             : "the name of a variable is required, such as OPENAI_API_KEY";
}

const char* check_listed(std::string_view text) {
  const bool fine =
      !text.empty() && text.size() <= 128 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  return fine ? nullptr : "a model's name of 1 to 128 visible ASCII characters is required";
}

const char* check_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    if (!rest.empty() && rest.find_first_of("?# \"\\@") == std::string_view::npos) return nullptr;
  }
  return "an address such as https://api.example/v1 is required; its key belongs into key_env or "
         "key_file";
}

template <auto Member>
Target last(Config& config) {
  return &(config.providers.back().*Member);
}

template <auto Member>
constexpr Setting text(std::string_view name, std::int64_t max,
                       const char* (*check)(std::string_view), Kind kind = Kind::Text) {
  return {name, kind, last<Member>, 1, max, "", check, "", "", false, ""};
}
template <auto Member>
constexpr Setting whole(std::string_view name, std::int64_t min, std::int64_t max) {
  return {name, Kind::Whole, last<Member>, min, max, "", nullptr, "", "", false, ""};
}
template <auto Member>
constexpr Setting duration(std::string_view name, std::int64_t min) {
  return {name, Kind::Duration, last<Member>, min, kHour, "", nullptr, "", "", false, ""};
}
template <auto Member>
constexpr Setting list(std::string_view name) {
  return {name, Kind::List, last<Member>, 0, kListed, "", check_listed, "", "", false, ""};
}

constexpr Setting kKeys[] = {
    text<&Provider::name>("provider.name", 64, check_name),
    {"provider.kind", Kind::Choice, last<&Provider::kind>, 0, 0, kKinds, nullptr, "", "", false,
     ""},
    text<&Provider::url>("provider.url", 1'024, check_url),
    text<&Provider::key_env>("provider.key_env", 128, check_variable),
    text<&Provider::key_file>("provider.key_file", 4'095, nullptr, Kind::Path),
    list<&Provider::models>("provider.models"),
    list<&Provider::tactical_models>("provider.tactical_models"),
    {"provider.free", Kind::Flag, last<&Provider::free>, 0, 0, "", nullptr, "", "", false, ""},
    whole<&Provider::context_tokens>("provider.context_tokens", 1'024, 100'000'000),
    whole<&Provider::answer_tokens_max>("provider.answer_tokens_max", 1, 1'000'000),
    whole<&Provider::requests_max>("provider.requests_max", 1, 2'048),
    whole<&Provider::retries_max>("provider.retries_max", 0, 10),
    duration<&Provider::retry_wait_max>("provider.retry_wait_max", 0),
    duration<&Provider::first_byte_timeout>("provider.first_byte_timeout", 100),
    duration<&Provider::token_timeout>("provider.token_timeout", 100),
    duration<&Provider::request_timeout>("provider.request_timeout", 100)};

std::string key_of(const Setting& setting) {
  return std::string(setting.name.substr(setting.name.find('.') + 1));
}

const Setting* find_key(const std::string& key) {
  const auto* const found = std::find_if(std::begin(kKeys), std::end(kKeys),
                                         [&](const Setting& one) { return key_of(one) == key; });
  return found == std::end(kKeys) ? nullptr : found;
}

Error unknown_key(const RuleKey& key) {
  for (const std::string_view secret : {"key", "api_key", "apikey", "token", "secret"})
    if (key.name == secret)
      return setting_error("provider." + key.name,
                           "a key does not stand in this file: say with key_env which variable "
                           "holds it, or with key_file which file",
                           key.origin);
  std::vector<std::string> known;
  for (const Setting& one : kKeys) known.push_back(key_of(one));
  const std::string near = nearest(key.name, known);
  return {Code::InvalidInput,
          key.origin + ": unknown key 'provider." + key.name + "'" +
              (near.empty() ? "" : "; did you mean 'provider." + near + "'?"),
          "provider." + key.name};
}

bool is_kind(const std::string& name) {
  return (", " + std::string(kKinds) + ",").find(", " + name + ",") != std::string::npos;
}

/// Each model once, and as the provider calls it.
Result<void> check_lists(const Provider& made, const std::string& origin) {
  std::vector<std::string> seen;
  for (const auto& [name, list] : {std::pair("provider.models", &made.models),
                                   std::pair("provider.tactical_models", &made.tactical_models)})
    for (const std::string& model : *list) {
      // OpenRouter has models of its own that are called openrouter/….
      const std::string own = made.name + "/";
      if (model.starts_with(own) && made.kind != "openrouter")
        return setting_error(
            name,
            "'" + model + "': leave '" + own + "' out; requests put it before what stands here",
            origin);
      if (std::find(seen.begin(), seen.end(), model) != seen.end())
        return setting_error(name, "'" + model + "' is there twice, of models and tactical_models",
                             origin);
      seen.push_back(model);
    }
  return ok();
}

/// What follows from other keys.
Result<void> complete(Provider& made, const std::string& origin) {
  if (made.name.empty()) return setting_error("provider.name", "is required", origin);
  if (is_reserved_name(made.name))
    return setting_error("provider.name", "'" + made.name + "' " + kReservedName, origin);
  if (made.kind.empty() && is_kind(made.name)) made.kind = made.name;
  if (made.kind.empty())
    return setting_error("provider.kind",
                         "is required, since '" + made.name + "' is none of " + std::string(kKinds),
                         origin);
  const bool has_own = made.kind != "compatible" && made.kind != "llama-server";
  if (made.url.empty() && !has_own)
    return setting_error("provider.url", "is required for this kind", origin);
  if (!made.key_env.empty() && !made.key_file.empty())
    return setting_error("provider.key_file", "cannot be given beside key_env", origin);
  return check_lists(made, origin);
}

}  // namespace

Result<void> add_provider(const std::vector<RuleKey>& keys, const std::string& origin,
                          Config& config) {
  if (config.providers.size() == kProvidersMax)
    return setting_error("provider", "at most " + std::to_string(kProvidersMax) + " are allowed",
                         origin);
  Config draft;
  draft.providers.push_back({.origin = origin});
  for (const RuleKey& key : keys) {
    const Setting* const found = find_key(key.name);
    if (!found) return unknown_key(key);
    TRY_VOID(assign(*found, draft, key.value, key.origin));
  }
  Provider made = std::move(draft.providers.back());
  TRY_VOID(complete(made, origin));
  for (const Provider& other : config.providers)
    if (other.name == made.name)
      return setting_error("provider.name", "'" + made.name + "' is there already", origin);
  config.providers.push_back(std::move(made));
  return ok();
}

std::string providers_text(const Config& config) {
  std::string out;
  for (const Provider& one : config.providers) {
    Config draft;
    draft.providers = {one};
    out += "\n[[provider]]  # " + one.origin + "\n";
    for (const Setting& key : kKeys) {
      const std::string value = toml_text(key, draft);
      if (value != "\"\"") out += key_of(key) + " = " + value + "\n";
    }
  }
  return out;
}

}  // namespace hearth::config
