#pragma once

namespace hearth::cli {

/// The whole program: parses the command line and runs the subcommand. Returns the exit status
/// (0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted).
int main(int argc, char** argv);

}  // namespace hearth::cli
