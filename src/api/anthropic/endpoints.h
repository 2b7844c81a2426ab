#pragma once
#include <cstdint>

#include "api/run/workplace.h"

/// Anthropic's Messages API, over the same models, line and limits as OpenAI's endpoints.
namespace hearth::api::anthropic {

/// POST /v1/messages.
void messages(Workplace& with, const net::Request& request, std::uint64_t account,
              const ExchangePtr& exchange);
/// POST /v1/messages/count_tokens: as the model's own template and tokenizer count them.
void count_tokens(Workplace& with, const net::Request& request, std::uint64_t account,
                  const ExchangePtr& exchange);

}  // namespace hearth::api::anthropic
