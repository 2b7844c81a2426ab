#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace hearth::app {

struct ServeEvents {
  /// The socket listens: requests are answered, with 503 until the model is there.
  std::function<void(const std::string& url)> on_listening{};
  /// The model is loaded: chat requests are answered from now on.
  std::function<void(const std::string& url, const std::string& model)> on_ready{};
};

/// The daemon: builds every room, serves until SIGTERM or SIGINT, then refuses new work, lets
/// running answers end (server.drain_timeout), and takes the rooms down in reverse. A second signal
/// ends at once. Call once per process, on the main thread, before other threads exist (it blocks
/// the signals). Errors: Busy (another daemon has this data directory; names its pid), Unavailable
/// (port in use, data directory not writable), and the model's when it can't be loaded (bad file,
/// too large for memory).
Result<void> serve(const config::Loaded& loaded, const ServeEvents& events);

}  // namespace hearth::app
