#pragma once
#include <cstdint>

#include "api/http/routes.h"
#include "api/run/workplace.h"

/// OpenAI's Responses API, over the same models, line and limits as its other endpoints.
namespace hearth::api::responses {

/// Every route below /v1/responses. A response of another token does not exist.
void endpoint(Workplace& with, const net::Request& request, const Route& route,
              std::uint64_t account, const ExchangePtr& exchange);

/// Background responses that the last process was making have failed. Errors: those of the store.
Result<void> fail_lost(const Call& call, const Parts& parts);

}  // namespace hearth::api::responses
