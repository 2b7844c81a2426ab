#pragma once
#include <string>

namespace hearth::engine {

/// Where the engines of this user keep their core board (LoadOptions::core_board): in `runtime_dir`
/// ($XDG_RUNTIME_DIR, may be empty), else in /run/user/UID, where these are folders of ours, else
/// /tmp/hearth-UID-cores. A service and a command of the same user find the same one.
std::string default_board_path(const std::string& runtime_dir);

}  // namespace hearth::engine
