#pragma once
#include <string>
#include <vector>

#include "app/daemon.h"
#include "base/call.h"
#include "base/result.h"
#include "cli/context.h"

namespace hearth::cli {

inline constexpr Millis kDaemonStartMax{5'000};

/// The arguments of `hearth serve` that give it the settings this command was given.
std::vector<std::string> serve_arguments(const config::Overrides& overrides,
                                         const config::Config& config);

/// The daemon of the data directory, started if none runs. Errors: app::ensure_daemon's.
Result<app::DaemonInfo> start_daemon(const Call& call, const Context& context,
                                     const config::Loaded& loaded);

/// Where a running daemon speaks gRPC, or why it does not. Pure.
std::string grpc_text(const app::DaemonInfo& daemon, const config::Config& config);

}  // namespace hearth::cli
