#pragma once
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/settings/setting.h"

namespace hearth::config {

/// Puts what a hearth.toml says into `loaded`. Errors: InvalidInput (syntax, unknown key, wrong
/// value).
Result<void> apply_toml(std::string_view text, const std::string& file_name, Loaded& loaded);

/// Puts what the environment says into `loaded`: first Fabio-Claw's names, then HEARTH_ ones.
/// Errors: InvalidInput (unknown HEARTH_ variable, wrong value, one setting under two names).
Result<void> apply_environment(const Environment& environment, Loaded& loaded);

/// A key of one of many tables of a name, its value, and the line that it stands on.
struct RuleKey {
  std::string name;
  Raw value;
  std::string origin;  // "hearth.toml:12", with the file's whole name
};
/// Takes one [[policy.rule]]. Errors: InvalidInput (unknown key, with the nearest; no pattern or
/// decision; a choice that is none; too many).
Result<void> add_rule(const std::vector<RuleKey>& keys, const std::string& origin,
                      const std::string& name, Config& config);

/// Whether requests mean something else by this name: "auto", "local", a level. Pure.
bool is_reserved_name(std::string_view name);
/// What is told of one.
inline constexpr const char* kReservedName =
    "is what requests say that leave the choice to Hearth; call it something else";

/// Takes one [[pool.model]]; [model] has been read. Errors: InvalidInput (unknown key, with the
/// nearest; no name, or one that is there; a wrong value; too many).
Result<void> add_pool_model(const std::vector<RuleKey>& keys, const std::string& origin,
                            Config& config);
/// All of them as TOML.
std::string pool_models_text(const Config& config);

/// Takes one [[provider]]. Errors: InvalidInput (unknown key, with the nearest; no name, or one
/// that is there; no kind or address, where they do not follow; a wrong value; too many).
Result<void> add_provider(const std::vector<RuleKey>& keys, const std::string& origin,
                          Config& config);
/// All of them as TOML.
std::string providers_text(const Config& config);

/// A whole file. Errors: NotFound, Unavailable, TooLarge (above 1 MiB).
Result<std::string> read_settings_file(const std::string& path);

/// The environment's name for a setting: "HEARTH_SERVER_PORT".
std::string environment_name(const Setting& setting);

/// The candidate with the least edit distance to `name`, or "" when none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace hearth::config
