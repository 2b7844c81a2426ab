#pragma once
#include <spdlog/spdlog.h>

#include <string_view>

#include "base/result.h"

/// The logger is spdlog's default one, on standard error, so every room can write
/// `log::info("engine {} started", pid)`. It is the only global in the program.
/// Never log a secret, a prompt or an answer.
namespace hearth::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// Sets the format ("2026-01-02T03:04:05.678Z info  [role] text") and level. Call once per process.
/// `level`: debug, info, warn, error or off. `role`: daemon, engine or cli. Errors: InvalidInput
/// (level).
Result<void> start(std::string_view level, std::string_view role);

}  // namespace hearth::log
