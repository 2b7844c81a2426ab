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

/// The environment's name for a setting: "HEARTH_SERVER_PORT".
std::string environment_name(const Setting& setting);

/// The candidate with the least edit distance to `name`, or "" when none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace hearth::config
