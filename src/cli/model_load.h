#pragma once
#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace hearth::cli {

/// `hearth model load` and `unload`: what a running daemon has in memory.
void add_load_commands(CLI::App& model, Context& context);

}  // namespace hearth::cli
