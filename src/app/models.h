#pragma once
#include <memory>

#include "base/result.h"
#include "base/time_source.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "model/model.h"

namespace hearth::app {

/// The model that the configuration names, in an engine process of its own; loading goes on after
/// this returns. `time` and `metrics` must outlive it. Errors: Unavailable (the process can't be
/// started).
Result<std::unique_ptr<model::Model>> open_model(const config::Config& config,
                                                 const TimeSource& time,
                                                 metrics::Registry& metrics);

/// Why `model`, whose state is Failed, could not be loaded; names the file. Always Unavailable,
/// field "model.path".
Error load_error(const config::Config& config, const model::Model& model);

}  // namespace hearth::app
