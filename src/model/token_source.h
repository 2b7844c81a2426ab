#pragma once
#include <string>

#include "model/model.h"

namespace hearth::model {

/// Names what the tokens of a model depend on: tokens that were kept are of use to a model with the
/// same. The fingerprint of its file is no part of it, since it is known too late.
std::string token_source(const Model& model);

}  // namespace hearth::model
