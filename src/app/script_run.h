#pragma once
#include <string>
#include <vector>

#include "app/turn_script.h"
#include "base/call.h"
#include "base/result.h"
#include "config/config.h"
#include "model/model.h"
#include "store/transcript.h"

namespace hearth::app {

/// What a script came to.
struct ScriptRun {
  std::vector<std::vector<std::string>> turns{};  // the lines of each
  std::vector<std::string>
      faults{};  // what is other than expected, a sentence each; empty: nothing
};

/// Makes the conversation of a script in a workspace and a store of its own, with Hearth's own
/// tools, and then each of its turns again from its journal. The clock stands still at noon of 1
/// January 2026, UTC. `model`: the configured one; not used by a script that says what the model
/// says, and may be null for it. Errors: those of the store and of tools::Workspace; InvalidInput
/// (a file of the script cannot be put where it says).
Result<ScriptRun> run_script(const Call& call, const config::Config& config,
                             const TurnScript& script, model::Model* model);

/// "user: …", "assistant: …", "assistant calls NAME {…}", "tool NAME: …", in order.
std::vector<std::string> transcript_lines(const std::vector<store::Entry>& entries);

}  // namespace hearth::app
