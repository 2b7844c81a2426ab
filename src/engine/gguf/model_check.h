#pragma once
#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/model_facts.h"

namespace hearth::engine {

/// Reads a checked file's metadata as that of a language model, and refuses what llama.cpp answers
/// by ending the process (src/llama-model.cpp load_hparams, src/llama-vocab.cpp load, ggml's own
/// checks on operators). Errors: InvalidInput (no language model), Corrupt (impossible values).
Result<ModelFacts> facts_of(const GgufFile& file);

}  // namespace hearth::engine
