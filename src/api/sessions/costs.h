#pragma once
#include <cstdint>

#include "api/openai/endpoints.h"

namespace hearth::api {

/// GET /v1/costs?by=model|session|day&days=N: what calls of models took and cost, of this token's
/// owner, today and N - 1 days before (UTC).
void list_costs(Workplace& with, const net::Request& request, std::uint64_t account,
                const ExchangePtr& exchange);

}  // namespace hearth::api
