#pragma once
#include <memory>

#include "base/result.h"
#include "config/config.h"
#include "net/client.h"

namespace hearth::app {

/// What other machines are asked with: the proxies and authorities of the environment, and
/// net.ca_file on top. Errors: those of net::client_options and net::Client::open.
Result<std::unique_ptr<net::Client>> open_outside(const config::Config& config,
                                                  const config::Environment& environment);

}  // namespace hearth::app
