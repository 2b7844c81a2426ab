#pragma once
#include <string>

#include "base/fields.h"
#include "base/result.h"
#include "chat/message.h"

namespace hearth::chat {

/// JSON as text. Bytes that are no UTF-8 are replaced: what a model wrote into a call may be cut
/// anywhere.
std::string json_text(const Json& json);

/// A text member of an object; empty if there is none.
std::string text_in(const Json& object, const char* name);

/// What a message has besides its role and content, where it has it.
Json extras_of(const Message& message);
void take_extras(const Json& object, Message& message);

Role role_of(const std::string& name);

/// A whole message as JSON text, and back. Errors: Corrupt.
std::string message_text(const Message& message);
Result<Message> message_of(const std::string& text);

}  // namespace hearth::chat
