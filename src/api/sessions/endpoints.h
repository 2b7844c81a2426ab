#pragma once
#include <cstdint>

#include "api/http/routes.h"
#include "api/openai/endpoints.h"

namespace hearth::api {

/// Every route below /v1/sessions, /v1/tools and /v1/search. POST …/cancel takes {"key"} or
/// {"turn"} for one message, and nothing for all. A session of another token does not exist.
void sessions_endpoint(Workplace& with, const net::Request& request, const Route& route,
                       std::uint64_t account, const ExchangePtr& exchange);

}  // namespace hearth::api
