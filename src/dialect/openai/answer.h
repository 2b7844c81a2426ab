#pragma once
#include <string>

#include "dialect/exchange.h"

/// What whole answers and streams of Chat Completions share.
namespace hearth::dialect::openai {

void take_finish_reason(const std::string& reason, chat::Finished& finished, Lost& lost);
/// Takes `usage` where it is; DeepSeek and Groq have names and places of their own.
void take_usage(const Json& body, chat::Usage& usage);
/// A text that some servers send under another name.
std::string reasoning_of(const Json& message);
/// The arguments of a function; some servers send an object instead of its text.
std::string arguments_text(const Json& function);
/// The error in a body or an event, or null.
const Json& error_in(const Json& body);
Error error_of(int status, const Json& error);
/// Names what of a message has no place here.
void lose_extras(const Json& message, Lost& lost);

}  // namespace hearth::dialect::openai
