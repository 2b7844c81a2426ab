#pragma once
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "config/config.h"

namespace hearth::cli {

/// Why a folder is not opened to tools in passing, a sentence; empty if it may be. `folder` is
/// absolute. The root, a home directory and what lies above it hold what no conversation is about:
/// who wants them open writes that into hearth.toml.
std::string problem_with_workspace(const std::string& folder, const config::Config& config);
/// The same by the words alone. Pure.
std::string problem_with_workspace(const std::string& folder, const std::string& home,
                                   const std::string& data_dir);

/// What a command goes by that may start a daemon.
struct Opening {
  Context context;
  config::Loaded loaded;
  /// The folder that this command wants open: the named one, else the one it is given in. Empty: a
  /// setting says which, or none is wanted.
  std::string here{};
  std::string problem{};  // why the current folder is not opened, a sentence; empty: it is
  bool is_asked = false;  // an option said which folder, or none
};
/// For one that talks: the current folder is the daemon's workspace, unless a setting or an option
/// says otherwise. Errors: load_settings().
Result<Opening> open_here(const Context& context);
/// For one that only asks: it opens no folder but those of the settings and options. Errors:
/// load_settings().
Result<Opening> open_nothing(const Context& context);

}  // namespace hearth::cli
