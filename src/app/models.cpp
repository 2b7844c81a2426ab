#include "app/models.h"

#include "model/local/local_model.h"

namespace hearth::app {

Result<std::unique_ptr<model::Model>> open_model(const config::Config& config,
                                                 const TimeSource& time,
                                                 metrics::Registry& metrics) {
  TRY(auto options, model::local_options(config));
  TRY(auto model, model::LocalModel::open(std::move(options), time, metrics));
  return std::unique_ptr<model::Model>(std::move(model));
}

Error load_error(const config::Config& config, const model::Model& model) {
  const std::string file = config.model.path.empty() ? "" : config.model.path + ": ";
  return {Code::Unavailable, file + model.state_text(), "model.path"};
}

}  // namespace hearth::app
