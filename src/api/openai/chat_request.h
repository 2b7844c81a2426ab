#pragma once
#include <string_view>

#include "api/openai/common_fields.h"

namespace hearth::api {

/// A checked /v1/chat/completions request.
struct ChatRequest {
  chat::Request request;  // without a seed: Delivery::seed and the choice's index give it
  Delivery delivery{};
};

/// Reads the body of POST /v1/chat/completions. `vocabulary`: tokens of the model it names, 0 if
/// unknown. Fields that OpenAI has and that would change the answer are refused when they ask for
/// what there is not (audio, functions, web search); the rest that is unknown is ignored, as by
/// OpenAI. Errors: InvalidInput, with the field.
Result<ChatRequest> parse_chat_request(const nlohmann::ordered_json& body,
                                       std::uint32_t vocabulary);

}  // namespace hearth::api
