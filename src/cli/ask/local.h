#pragma once
#include "base/call.h"
#include "base/result.h"
#include "cli/ask/question.h"
#include "model/model.h"

namespace hearth::cli {

/// Asks a model of this process. Errors: model::generate's.
Result<Reply> ask_model(const Call& call, model::Model& model, const Question& question,
                        const OnText& on_text);

}  // namespace hearth::cli
