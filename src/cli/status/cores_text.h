#pragma once
#include <string>

#include "cli/status/prometheus.h"

namespace hearth::cli {

/// With how many threads the engine computes, and why: "2 of 2 cores", "1 of 2 cores: other
/// programs use 0.9". Empty when the daemon does not tell.
std::string cores_text(const Metrics& metrics);

}  // namespace hearth::cli
