#pragma once
#include <cstdint>

#include "api/openai/endpoints.h"

namespace hearth::api {

/// GET /v1/spending: what may be paid to providers, what was, and whether that is stopped; of this
/// token's owner where it is one's own.
void show_spending(Workplace& with, std::uint64_t account, const ExchangePtr& exchange);
/// POST /v1/spending/stop, `{"why": "…"}` or no body: the kill switch. /release: it goes on.
void stop_spending(Workplace& with, const net::Request& request, const ExchangePtr& exchange);
/// That is the operator's alone.
void release_spending(Workplace& with, bool is_operators, const ExchangePtr& exchange);

}  // namespace hearth::api
