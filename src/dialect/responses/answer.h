#pragma once
#include <string>
#include <string_view>

#include "dialect/responses.h"

/// What whole answers and streams of the Responses API share.
namespace hearth::dialect::responses {

/// The object of a response in this state, with these items.
Json response_json(const Header& header, std::string_view status, Json output);
/// A finished one: its status, why it is incomplete, and its usage.
Json finished_json(const Header& header, const chat::Finished& finished, Json output);
const char* status_of(const chat::Finished& finished);

Json message_item(const std::string& id, std::string_view status, Json content);
Json text_part(std::string_view text);
Json call_item(const std::string& id, std::string_view status, const chat::ToolCall& call);
Json thoughts_item(const std::string& id, std::string_view text);
/// "msg_abc_0" of the response "resp_abc": the same in a stream and in the whole.
std::string item_id(const char* kind, const Header& header, std::size_t index);

}  // namespace hearth::dialect::responses
