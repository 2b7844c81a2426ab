#pragma once
#include <cstdint>
#include <string>

#include "api/openai/endpoints.h"

namespace hearth::api {

/// GET /v1/approvals: what waits for this owner's word, oldest first.
void list_approvals(Workplace& with, std::uint64_t account, const ExchangePtr& exchange);

/// POST /v1/approvals/{id}: {"decision": "allow" or "deny", "scope": "once", "session" or "always",
/// "pattern": "this" or "alike", "expires": a time such as "30m", "stream"}. The turn goes on, and
/// the answer is the rest of it, as /v1/chat/completions would give it.
void decide_approval(Workplace& with, const net::Request& request, const std::string& id,
                     std::uint64_t account, const ExchangePtr& exchange);

}  // namespace hearth::api
