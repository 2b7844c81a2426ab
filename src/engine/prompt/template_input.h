#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat.h"
#include "chat/generation.h"

namespace hearth::engine {

/// What becomes of each string that a request brings, on its way into the template.
using TextFilter = std::function<std::string(std::string_view)>;

/// Checks what the template and llama-common would trust: UTF-8, JSON, names, sizes, roles. All but
/// the tools. Errors: InvalidInput, TooLarge, with the field
/// ("messages[2].tool_calls[0].arguments").
Result<void> check_conversation(const chat::Conversation& conversation);

/// The same for the tools: their names, texts and schemas.
Result<void> check_tools(const std::vector<chat::Tool>& tools);

/// Calls `see` with every string of the conversation that reaches the prompt and that somebody
/// outside has written: contents, thoughts, names, ids, keys and strings of arguments and schemas.
void each_text(const chat::Conversation& conversation,
               const std::function<void(std::string_view)>& see);

/// The messages and tools for the template, with every such string put through `filter`. Words of
/// JSON Schema itself ("type", "object", "properties", …) are ours and pass as they are. The
/// conversation has passed the checks.
void fill_template_input(const chat::Conversation& conversation, const TextFilter& filter,
                         common_chat_templates_inputs& inputs);

/// JSON text with each string and key put through `filter` in its place; nothing else changes.
/// `json` is valid JSON.
std::string filter_json_strings(std::string_view json, const TextFilter& filter);

}  // namespace hearth::engine
