#pragma once
#include <cstdint>

#include "api/http/routes.h"
#include "api/run/workplace.h"

/// Ollama's API, over the same models, line and limits as OpenAI's endpoints.
namespace hearth::api::ollama {

/// Every route below /api, and "/", where its clients look whether somebody is there. A model may
/// be named with the tag ":latest". What would bring, make or delete models is 501, with the
/// command that does it.
void endpoint(Workplace& with, const net::Request& request, const Route& route,
              std::uint64_t account, const ExchangePtr& exchange);

}  // namespace hearth::api::ollama
