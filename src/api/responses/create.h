#pragma once
#include <cstdint>

#include "api/run/workplace.h"

namespace hearth::api::responses {

/// POST /v1/responses.
void create(Workplace& with, const net::Request& request, std::uint64_t account,
            const ExchangePtr& exchange);

}  // namespace hearth::api::responses
