#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "chat/generation.h"
#include "chat/message.h"

/// The conversation part of a chat request. Pure and strict, see common_fields.h.
namespace hearth::api {

inline constexpr std::size_t kNameBytesMax = 64;        // of a tool, a function, a speaker
inline constexpr std::size_t kContentPartsMax = 1'024;  // of one message
inline constexpr std::size_t kCallIdBytesMax = 256;

/// [a-zA-Z0-9_-]{1,64}
bool is_function_name(std::string_view name);

/// `messages`: roles system, developer (as system), user, assistant and tool; content a string or
/// an array of text parts, which are joined by line breaks, and of a user's images between them. A
/// tool message must answer an earlier call; one of these messages, or also one that a session
/// remembers.
enum class Calls : std::uint8_t { Here, Remembered };
Result<std::vector<chat::Message>> parse_messages(const Fields& fields, Calls calls = Calls::Here);

/// `tools`: functions with distinct names and object schemas.
Result<std::vector<chat::Tool>> parse_tools(const Fields& fields);

/// `tool_choice`: none, auto, required, or {"type":"function","function":{"name"}} of one of
/// `tools`.
Result<chat::ToolChoice> parse_tool_choice(const Fields& fields,
                                           const std::vector<chat::Tool>& tools);

}  // namespace hearth::api
