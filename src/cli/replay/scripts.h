#pragma once
#include <string>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "config/config.h"

namespace hearth::cli {

/// Whether a name is that of a script: it ends with ".turn".
bool is_script(const std::string& name);

/// Runs each file's conversation and says how it came out on standard output; what was said where
/// nothing was expected. False if one came out otherwise than it says. Errors: NotFound (no such
/// file), InvalidInput and TooLarge (it is no script; names file and field), those of
/// app::run_script() and of loading the model.
Result<bool> run_scripts(const Call& call, const config::Config& config,
                         const std::vector<std::string>& files);

}  // namespace hearth::cli
