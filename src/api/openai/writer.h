#pragma once
#include <memory>

#include "api/openai/form.h"
#include "api/run/writer.h"

namespace hearth::api {

/// Writes what a form makes as OpenAI's endpoints do, with llama-server's `timings`. `input_field`
/// is named when the prompt does not fit.
std::unique_ptr<Writer> make_openai_writer(std::unique_ptr<Form> form,
                                           const char* input_field = "messages");

}  // namespace hearth::api
