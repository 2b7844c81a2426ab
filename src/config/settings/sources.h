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

/// Takes one [[policy.rule]]: its keys and values, and the line that each stands on. Errors:
/// InvalidInput (unknown key, with the nearest; no pattern or decision; a choice that is none; too
/// many).
struct RuleKey {
  std::string name;
  Raw value;
  std::string origin;  // "hearth.toml:12", with the file's whole name
};
Result<void> add_rule(const std::vector<RuleKey>& keys, const std::string& origin,
                      const std::string& name, Config& config);

/// The environment's name for a setting: "HEARTH_SERVER_PORT".
std::string environment_name(const Setting& setting);

/// The candidate with the least edit distance to `name`, or "" when none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace hearth::config
