#include "app/oneshot.h"

#include <thread>

#include "app/models.h"

namespace hearth::app {
namespace {

constexpr Millis kPollInterval{5};

const SystemTime& system_time() {
  static const SystemTime time;  // stateless, so it may outlive every model
  return time;
}

}  // namespace

Result<std::unique_ptr<model::Model>> open_oneshot(
    const Call& call, const config::Config& config, metrics::Registry& metrics,
    const std::function<void(const std::string&)>& on_state) {
  TRY(auto model, open_model(config, system_time(), metrics));
  std::string told;
  while (model->state() != model::State::Ready) {
    if (model->state() == model::State::Failed) return load_error(config, *model);
    if (call.stop.stop_requested())
      return Error{Code::Cancelled, "stopped while the model was loading"};
    if (Clock::now() >= call.deadline)
      return Error{Code::Timeout, "the model was not loaded in time"};
    const std::string state = model->state_text();
    if (on_state && state != told) on_state(state);
    told = state;
    std::this_thread::sleep_for(kPollInterval);
  }
  return model;
}

}  // namespace hearth::app
