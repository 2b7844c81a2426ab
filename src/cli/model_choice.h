#pragma once
#include <string>

#include "base/result.h"
#include "engine/model_facts.h"

namespace hearth::cli {

/// The facts of a GGUF file, or of Ember for an empty path. Errors: engine::read_model_facts'.
Result<engine::ModelFacts> facts_of(const std::string& path);

}  // namespace hearth::cli
