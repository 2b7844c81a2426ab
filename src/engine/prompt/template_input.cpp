#include "engine/prompt/template_input.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/utf8.h"
#include "engine/prompt/grammar_check.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kTextBytesMax = 16 * 1024 * 1024;

/// The words of JSON Schema that templates look for. As keys and as values of "type" they are ours.
constexpr std::array<std::string_view, 44> kSchemaWords = {"$defs",
                                                           "$ref",
                                                           "additionalProperties",
                                                           "allOf",
                                                           "anyOf",
                                                           "const",
                                                           "default",
                                                           "definitions",
                                                           "description",
                                                           "enum",
                                                           "examples",
                                                           "exclusiveMaximum",
                                                           "exclusiveMinimum",
                                                           "format",
                                                           "items",
                                                           "maxItems",
                                                           "maxLength",
                                                           "maxProperties",
                                                           "maximum",
                                                           "minItems",
                                                           "minLength",
                                                           "minProperties",
                                                           "minimum",
                                                           "multipleOf",
                                                           "not",
                                                           "nullable",
                                                           "oneOf",
                                                           "pattern",
                                                           "prefixItems",
                                                           "properties",
                                                           "required",
                                                           "title",
                                                           "type",
                                                           "uniqueItems",
                                                           "array",
                                                           "boolean",
                                                           "integer",
                                                           "null",
                                                           "number",
                                                           "object",
                                                           "string",
                                                           "$schema",
                                                           "$id",
                                                           "readOnly"};

bool is_schema_word(std::string_view text) {
  return std::find(kSchemaWords.begin(), kSchemaWords.end(), text) != kSchemaWords.end();
}

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), fits);
}

Result<void> check_text(const std::string& text, const std::string& field,
                        std::size_t bytes_max = kTextBytesMax) {
  if (text.size() > bytes_max) {
    return Error{Code::TooLarge, field + ": longer than " + std::to_string(bytes_max) + " bytes",
                 field};
  }
  if (!is_utf8(text)) return field_error(field, "is not valid UTF-8");
  if (text.find('\0') != std::string::npos) return field_error(field, "holds a zero byte");
  return ok();
}

Result<void> check_call(const chat::ToolCall& call, const std::string& field) {
  TRY_VOID(check_text(call.id, field + ".id", kIdBytesMax));
  TRY_VOID(check_text(call.arguments, field + ".function.arguments"));
  if (!is_name(call.name)) {
    return field_error(field + ".function.name",
                       "1 to 64 characters of a-z, A-Z, 0-9, _ and - are required");
  }
  if (call.arguments.empty()) return ok();
  const auto parsed = parse_json(call.arguments, "the arguments");
  if (!parsed.ok()) return field_error(field + ".function.arguments", parsed.error().message);
  if (!parsed.value().is_object())
    return field_error(field + ".function.arguments", "a JSON object is required");
  return ok();
}

Result<void> check_message(const chat::Message& message, const std::string& field) {
  TRY_VOID(check_text(message.content, field + ".content"));
  TRY_VOID(check_text(message.reasoning, field + ".reasoning_content"));
  TRY_VOID(check_text(message.name, field + ".name", kIdBytesMax));
  TRY_VOID(check_text(message.tool_call_id, field + ".tool_call_id", kIdBytesMax));
  if (!message.tool_calls.empty() && message.role != chat::Role::Assistant) {
    return field_error(field + ".tool_calls", "only an assistant calls tools");
  }
  if (message.tool_calls.size() > chat::kToolsMax) {
    return Error{Code::TooLarge, field + ".tool_calls: more than 128", field + ".tool_calls"};
  }
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    TRY_VOID(check_call(message.tool_calls[i], field + ".tool_calls[" + std::to_string(i) + "]"));
  }
  return ok();
}

Result<void> check_tool(const chat::Tool& tool, const std::string& field) {
  if (!is_name(tool.name)) {
    return field_error(field + ".function.name",
                       "1 to 64 characters of a-z, A-Z, 0-9, _ and - are required");
  }
  TRY_VOID(check_text(tool.description, field + ".function.description"));
  const std::string place = field + ".function.parameters";
  TRY_VOID(check_text(tool.parameters, place, chat::kSchemaBytesMax));
  TRY_VOID(
      check_schema(tool.parameters.empty() ? "{}" : tool.parameters, place, SchemaRoot::Object));
  if (tool.outline.empty()) return ok();
  TRY_VOID(check_text(tool.outline, field + ".outline", chat::kSchemaBytesMax));
  return check_schema(tool.outline, field + ".outline", SchemaRoot::Object);
}

Result<void> check_seen(const chat::Conversation& conversation) {
  const chat::Seen& seen = conversation.seen;
  if (seen.messages == 0 && seen.tokens.empty()) return ok();
  if (seen.tokens.empty()) return field_error("seen", "tokens are required");
  if (seen.messages == 0 || seen.messages >= conversation.messages.size() ||
      conversation.messages[seen.messages - 1].role != chat::Role::Assistant)
    return field_error("seen", "an assistant's message before the last must be where it ends");
  return ok();
}

Result<void> check_choice(const chat::Conversation& conversation) {
  const chat::ToolChoice& choice = conversation.tool_choice;
  if (choice.mode == chat::ToolChoice::Mode::Required && conversation.tools.empty()) {
    return field_error("tool_choice", "\"required\" needs at least one tool");
  }
  const auto named = [&](const chat::Tool& tool) { return tool.name == choice.name; };
  if (choice.mode == chat::ToolChoice::Mode::Named &&
      std::none_of(conversation.tools.begin(), conversation.tools.end(), named)) {
    return field_error("tool_choice", "names a tool that is not in `tools`");
  }
  return ok();
}

/// Walks a schema. `filter` gets keys and strings that are not words of JSON Schema. `names` says
/// that the keys of `node` are names somebody chose, as below "properties".
Json filter_schema(const Json& node, const TextFilter& filter, bool names) {
  if (node.is_string()) {
    const auto& text = node.get_ref<const std::string&>();
    return is_schema_word(text) ? node : Json(filter(text));
  }
  if (node.is_array()) {
    Json result = Json::array();
    for (const Json& item : node) result.push_back(filter_schema(item, filter, false));
    return result;
  }
  if (!node.is_object()) return node;
  Json result = Json::object();
  for (const auto& [key, value] : node.items()) {
    const bool ours = !names && is_schema_word(key);
    const bool inner_names =
        ours && (key == "properties" || key == "$defs" || key == "definitions");
    result[ours ? key : filter(key)] = filter_schema(value, filter, inner_names);
  }
  return result;
}

std::string filter_schema_text(const std::string& text, const TextFilter& filter) {
  const Json schema = Json::parse(text.empty() ? "{}" : text, nullptr, false);
  // An ill-formed unit in the text was refused by check_tool(); `replace` is for a filter's work.
  return filter_schema(schema, filter, false).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The tool that a result belongs to: many templates want its name, few clients send it.
std::string tool_name(const chat::Conversation& conversation, const chat::Message& message) {
  if (!message.name.empty() || message.role != chat::Role::Tool) return message.name;
  for (const chat::Message& earlier : conversation.messages) {
    if (&earlier == &message) break;
    for (const chat::ToolCall& call : earlier.tool_calls) {
      if (!call.id.empty() && call.id == message.tool_call_id) return call.name;
    }
  }
  return "";
}

common_chat_msg fill_message(const chat::Conversation& conversation, const chat::Message& message,
                             const TextFilter& filter) {
  common_chat_msg result;
  result.role = chat::role_name(message.role);
  result.content = filter(message.content);
  result.reasoning_content = filter(message.reasoning);
  result.tool_name = filter(tool_name(conversation, message));
  result.tool_call_id = filter(message.tool_call_id);
  for (const chat::ToolCall& call : message.tool_calls) {
    const std::string arguments = call.arguments.empty() ? "{}" : call.arguments;
    result.tool_calls.push_back(
        {filter(call.name), filter_json_strings(arguments, filter), filter(call.id)});
  }
  return result;
}

/// The end of a JSON string's inside: the position of its closing quote. `begin` is after the
/// opening.
std::size_t string_end(std::string_view json, std::size_t begin) {
  std::size_t at = begin;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at, json.size());
}

}  // namespace

Result<void> check_conversation(const chat::Conversation& conversation) {
  if (conversation.messages.empty()) return field_error("messages", "at least one is required");
  if (conversation.messages.size() > chat::kMessagesMax) {
    return Error{Code::TooLarge, "messages: more than " + std::to_string(chat::kMessagesMax),
                 "messages"};
  }
  for (std::size_t i = 0; i < conversation.messages.size(); ++i) {
    TRY_VOID(check_message(conversation.messages[i], "messages[" + std::to_string(i) + "]"));
  }
  TRY_VOID(check_text(conversation.tail, "tail"));
  TRY_VOID(check_seen(conversation));
  return check_choice(conversation);
}

Result<void> check_tools(const std::vector<chat::Tool>& tools) {
  if (tools.size() > chat::kToolsMax) {
    return Error{Code::TooLarge, "tools: more than " + std::to_string(chat::kToolsMax), "tools"};
  }
  for (std::size_t i = 0; i < tools.size(); ++i) {
    TRY_VOID(check_tool(tools[i], "tools[" + std::to_string(i) + "]"));
    for (std::size_t j = 0; j < i; ++j) {
      if (tools[j].name == tools[i].name) {
        return field_error("tools[" + std::to_string(i) + "].function.name", "is used twice");
      }
    }
  }
  return ok();
}

void fill_template_input(const chat::Conversation& conversation, const TextFilter& filter,
                         common_chat_templates_inputs& inputs) {
  for (const chat::Message& message : conversation.messages) {
    inputs.messages.push_back(fill_message(conversation, message, filter));
  }
  for (const chat::Tool& tool : conversation.tools) {
    inputs.tools.push_back(
        {filter(tool.name), filter(tool.description), filter_schema_text(tool.parameters, filter)});
  }
}

void each_text(const chat::Conversation& conversation,
               const std::function<void(std::string_view)>& see) {
  common_chat_templates_inputs unused;
  fill_template_input(
      conversation,
      [&](std::string_view text) {
        see(text);
        return std::string(text);
      },
      unused);
}

std::string filter_json_strings(std::string_view json, const TextFilter& filter) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] != '"') continue;
    const std::size_t end = string_end(json, at + 1);
    const std::string quoted(json.substr(at, end + 1 - at));
    const Json text = Json::parse(quoted, nullptr, false);
    if (text.is_string()) {
      const auto& before = text.get_ref<const std::string&>();
      const std::string after = filter(before);
      result += json.substr(copied, at - copied);
      // A string that stays keeps its escapes, so that a conversation renders as it was said.
      result += after == before ? quoted
                                : Json(after).dump(-1, ' ', false, Json::error_handler_t::replace);
      copied = end + 1;
    }
    at = end;
  }
  result += json.substr(std::min(copied, json.size()));
  return result;
}

}  // namespace hearth::engine
