#include "cli/context.h"
#include "engine/engine_main.h"
#include "process/child.h"

namespace hearth::cli {

/// Not for people: what this program runs itself as, one for each model. It has no group, so that
/// the help does not list it.
void add_engine_command(CLI::App& root, Context& context) {
  add_command(root, context, "engine", "Internal: runs one model for its parent process", "", [] {
    return engine::run_engine(process::kChildSocket);
  })->group("");
}

}  // namespace hearth::cli
