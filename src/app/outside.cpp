#include "app/outside.h"

#include <utility>

namespace hearth::app {

Result<std::unique_ptr<net::Client>> open_outside(const config::Config& config,
                                                  const config::Environment& environment) {
  TRY(auto options, net::client_options(environment));
  if (!config.net.ca_file.empty()) {
    options.ca_file = config.net.ca_file;
    options.ca_dir.clear();
  }
  return net::Client::open(std::move(options));
}

}  // namespace hearth::app
