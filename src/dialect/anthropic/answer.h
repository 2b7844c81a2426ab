#pragma once
#include <string>

#include "dialect/exchange.h"

/// What whole answers and streams of Anthropic's API share.
namespace hearth::dialect::anthropic {

/// stop_reason, and stop_sequence, of an answer that ended so.
Json stop_reason_of(const chat::Finished& finished);
Json stop_sequence_of(const chat::Finished& finished);
void take_stop(const Json& from, chat::Finished& finished, Lost& lost);

Json usage_json(const chat::Usage& usage);
/// Takes what is there; counts in a stream come again, and grow.
void take_usage(const Json& from, chat::Usage& usage);

}  // namespace hearth::dialect::anthropic
