#pragma once
#include <cstdint>

#include "api/run/workplace.h"

namespace hearth::api::ollama {

/// POST /api/embed, and /api/embeddings as it was before: one text, one vector. A text that is
/// longer than the model's context is cut where the request lets it ("truncate", which is so unless
/// it says no).
enum class EmbedShape : std::uint8_t { Many, One };
void embed(Workplace& with, const net::Request& request, EmbedShape shape,
           const ExchangePtr& exchange);

}  // namespace hearth::api::ollama
