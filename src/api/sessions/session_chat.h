#pragma once
#include <cstdint>

#include "api/openai/endpoints.h"

namespace hearth::api {

/// POST /v1/chat/completions with a `session_id`: the messages are new ones, the session remembers
/// the others. `Idempotency-Key`: the same request again gets the same answer.
void chat_in_session(Workplace& with, const net::Request& request,
                     const nlohmann::ordered_json& body, model::Model& model, std::uint64_t account,
                     const ExchangePtr& exchange);

}  // namespace hearth::api
