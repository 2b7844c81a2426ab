#include "cli/model_choice.h"

#include "engine/builtin_model.h"

namespace hearth::cli {

Result<engine::ModelFacts> facts_of(const std::string& path) {
  return path.empty() ? engine::parse_model_facts(engine::builtin_model_bytes())
                      : engine::read_model_facts(path);
}

}  // namespace hearth::cli
