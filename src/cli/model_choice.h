#pragma once
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "cli/ask/daemon_client.h"
#include "config/config.h"
#include "engine/model_facts.h"

namespace hearth::cli {

/// The facts of a GGUF file, or of Ember for an empty path. Errors: engine::read_model_facts'.
Result<engine::ModelFacts> facts_of(const std::string& path);

/// What --model means to the commands that can ask a daemon. A file that is there, or what is
/// written as one ("/x", "./x", "x.gguf"), is a file and stays in the overrides; anything else is
/// the name of a model that a daemon has, is taken out of them and given. Empty: no name.
std::string take_model_name(config::Overrides& overrides);

/// The model that a ready daemon is asked for: `wanted`, or the default one where that is empty.
/// Errors: NotFound (it has none of that name; says which it has), those of served_models().
Result<std::string> model_to_ask(const Call& call, const DaemonClient& client,
                                 const std::string& wanted);

}  // namespace hearth::cli
