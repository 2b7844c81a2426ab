#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/call.h"
#include "base/result.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "model/model.h"

namespace hearth::app {

/// A model for one command: an engine process of our own, without a server. Waits until it is
/// loaded. `on_state` (may be empty) is called with Model::state_text() whenever that changes.
/// `metrics` must outlive the model. Errors: those of loading, Timeout, Cancelled.
Result<std::unique_ptr<model::Model>> open_oneshot(
    const Call& call, const config::Config& config, metrics::Registry& metrics,
    const std::function<void(const std::string&)>& on_state);

}  // namespace hearth::app
