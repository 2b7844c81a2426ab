#pragma once
#include <cstdint>
#include <vector>

#include "chat/generation.h"
#include "engine/runtime/jobs.h"
#include "llama.h"

namespace hearth::engine {

/// What a call added to what the model has seen of its conversation. `tokens`: prompt and answer,
/// as far as they are to be computed; `answered`: generated tokens, with `last`, the one that ended
/// the answer for this `reason`. Empty if nobody asked, or if a stop string has cut the answer from
/// what its tokens say.
chat::Trace trace_of(const llama_vocab* vocab, const GenerateJob& job,
                     const std::vector<llama_token>& tokens, std::uint32_t answered,
                     chat::FinishReason reason, llama_token last);

/// What a prompt that is only counted would add: the first `count` of `tokens`.
chat::Trace trace_of(const GenerateJob& job, const std::vector<llama_token>& tokens,
                     std::size_t count);

}  // namespace hearth::engine
