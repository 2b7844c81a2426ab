#include "api/openai/messages.h"

#include <set>

#include "dialect/message_parts.h"

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;

std::string item(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

Result<chat::Role> parse_role(const Fields& message) {
  TRY(const std::string role, message.text("role"));
  if (role == "system" || role == "developer") return chat::Role::System;
  if (role == "user") return chat::Role::User;
  if (role == "assistant") return chat::Role::Assistant;
  if (role == "tool") return chat::Role::Tool;
  if (role == "function")
    return message.wrong("role", "'function' is no longer supported, use 'tool'");
  return message.wrong("role", "must be system, developer, user, assistant or tool");
}

Result<void> parse_image(const Fields& part, dialect::MessageParts& said) {
  const json* image = part.find("image_url");
  if (!image) return part.wrong("image_url", "is required with type image_url");
  TRY(const Fields fields, Fields::of(*image, part.path("image_url")));
  TRY(const std::string url, fields.text("url"));
  TRY(chat::Image read, dialect::image_of_url(url, fields.path("url")));
  return said.add_image(std::move(read), fields.path("url"));
}

Result<void> parse_part(const json& value, const std::string& path, chat::Role role,
                        dialect::MessageParts& said) {
  TRY(const Fields part, Fields::of(value, path));
  TRY(const std::string type, part.text("type"));
  if (type == "image_url" && role == chat::Role::User) return parse_image(part, said);
  const bool is_refusal = type == "refusal" && role == chat::Role::Assistant;
  if (type != "text" && !is_refusal)
    return part.wrong("type", "'" + type.substr(0, kNameBytesMax) +
                                  "' is not supported, only text is" +
                                  (role == chat::Role::User ? ", and image_url" : ""));
  TRY(const std::string text, part.text(is_refusal ? "refusal" : "text"));
  said.add_text(text);
  return ok();
}

Result<void> parse_parts(const json& parts, const std::string& path, chat::Message& out) {
  if (parts.empty()) return field_error(path, "must not be an empty array");
  if (parts.size() > kContentPartsMax)
    return field_error(path, "at most " + std::to_string(kContentPartsMax) + " parts are allowed");
  dialect::MessageParts said("\n");
  for (std::size_t i = 0; i < parts.size(); ++i)
    TRY_VOID(parse_part(parts[i], item(path, i), out.role, said));
  said.move_into(out);
  return ok();
}

/// A message that calls tools needs no content; every other does.
Result<void> parse_content(const Fields& message, chat::Message& out) {
  const json* content = message.find("content");
  if (!content && !out.tool_calls.empty()) return ok();
  if (!content && out.role == chat::Role::Assistant)
    return message.wrong("content", "is required unless tool_calls is given");
  if (!content) return message.wrong("content", "is required");
  if (content->is_array()) return parse_parts(*content, message.path("content"), out);
  if (!content->is_string())
    return message.wrong("content", "a string or an array of text parts is required");
  out.content = content->get<std::string>();
  return ok();
}

Result<std::string> parse_call_id(const Fields& fields, std::string_view name) {
  TRY(std::string id, fields.text(name));
  if (id.empty() || id.size() > kCallIdBytesMax)
    return fields.wrong(name, "1 to " + std::to_string(kCallIdBytesMax) + " bytes are required");
  return id;
}

Result<std::string> parse_function_name(const Fields& function) {
  TRY(std::string name, function.text("name"));
  if (!is_function_name(name))
    return function.wrong("name", "1 to 64 of a-z, A-Z, 0-9, _ and - are required");
  return name;
}

/// `type` may be absent in what clients send back; where it is given it must be "function".
Result<void> expect_function_type(const Fields& fields) {
  TRY(const std::string type, fields.text_or("type", "function"));
  if (type != "function") return fields.wrong("type", "must be function");
  return ok();
}

Result<Fields> parse_function(const Fields& fields) {
  const json* function = fields.find("function");
  if (!function) return fields.wrong("function", "is required");
  return Fields::of(*function, fields.path("function"));
}

Result<chat::ToolCall> parse_call(const json& value, const std::string& path) {
  TRY(const Fields call, Fields::of(value, path));
  TRY_VOID(expect_function_type(call));
  chat::ToolCall out;
  TRY(out.id, parse_call_id(call, "id"));
  TRY(const Fields function, parse_function(call));
  TRY(out.name, parse_function_name(function));
  TRY(out.arguments, function.text("arguments"));
  return out;
}

Result<std::vector<chat::ToolCall>> parse_calls(const Fields& message, chat::Role role) {
  std::vector<chat::ToolCall> out;
  if (message.has("function_call"))
    return message.wrong("function_call", "is no longer supported, use tool_calls");
  TRY(const json* calls, message.array("tool_calls", chat::kToolsMax));
  if (!calls) return out;
  if (role != chat::Role::Assistant)
    return message.wrong("tool_calls", "is allowed only with role assistant");
  for (std::size_t i = 0; i < calls->size(); ++i) {
    TRY(chat::ToolCall call, parse_call((*calls)[i], item(message.path("tool_calls"), i)));
    out.push_back(std::move(call));
  }
  return out;
}

struct CallIds {
  Calls where;
  std::set<std::string, std::less<>> ids{};
};

Result<void> parse_answered_call(const Fields& message, const CallIds& known, chat::Message& out) {
  if (out.role != chat::Role::Tool) return ok();
  TRY(out.tool_call_id, parse_call_id(message, "tool_call_id"));
  if (known.where == Calls::Remembered || known.ids.contains(out.tool_call_id)) return ok();
  return message.wrong("tool_call_id", "no earlier message holds a tool call with this id");
}

Result<chat::Message> parse_message(const json& value, const std::string& path,
                                    const CallIds& known) {
  TRY(const Fields message, Fields::of(value, path));
  chat::Message out;
  TRY(out.role, parse_role(message));
  if (message.has("audio")) return message.wrong("audio", "is not supported, only text is");
  TRY(out.tool_calls, parse_calls(message, out.role));
  TRY_VOID(parse_content(message, out));
  TRY_VOID(parse_answered_call(message, known, out));
  TRY(out.name, message.text_or("name", ""));
  if (out.name.size() > kNameBytesMax) return message.wrong("name", "at most 64 bytes are allowed");
  if (out.role == chat::Role::Assistant) {
    TRY(out.reasoning, message.text_or("reasoning_content", ""));
  }
  return out;
}

Result<std::string> parse_parameters(const Fields& function) {
  const json* schema = function.find("parameters");
  if (!schema) return std::string("{}");
  TRY(const Fields object, Fields::of(*schema, function.path("parameters")));
  if (!schema->empty() && object.has("type")) {
    const json& type = *object.find("type");
    if (type != "object")
      return object.wrong("type", "must be object: the arguments of a function are an object");
  }
  std::string text = schema->dump();
  if (text.size() <= chat::kSchemaBytesMax) return text;
  return function.wrong("parameters",
                        "at most " + std::to_string(chat::kSchemaBytesMax) + " bytes are allowed");
}

Result<chat::Tool> parse_tool(const json& value, const std::string& path) {
  TRY(const Fields tool, Fields::of(value, path));
  TRY(const std::string type, tool.text("type"));
  if (type != "function") return tool.wrong("type", "must be function");
  TRY(const Fields function, parse_function(tool));
  chat::Tool out;
  TRY(out.name, parse_function_name(function));
  TRY(out.description, function.text_or("description", ""));
  TRY_VOID(function.flag_or("strict", false));
  TRY(out.parameters, parse_parameters(function));
  return out;
}

bool has_tool(const std::vector<chat::Tool>& tools, const std::string& name) {
  for (const auto& tool : tools)
    if (tool.name == name) return true;
  return false;
}

Result<chat::ToolChoice> parse_named_choice(const Fields& fields,
                                            const std::vector<chat::Tool>& tools) {
  TRY(const Fields choice, Fields::of(*fields.find("tool_choice"), fields.path("tool_choice")));
  TRY(const std::string type, choice.text("type"));
  if (type != "function") return choice.wrong("type", "must be function");
  TRY(const Fields function, parse_function(choice));
  TRY(const std::string name, parse_function_name(function));
  if (!has_tool(tools, name))
    return function.wrong("name", "no function '" + name + "' is in tools");
  return chat::ToolChoice{chat::ToolChoice::Mode::Named, name};
}

}  // namespace

bool is_function_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.size() <= kNameBytesMax &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<std::vector<chat::Message>> parse_messages(const Fields& fields, Calls calls) {
  TRY(const json* list, fields.array("messages", chat::kMessagesMax));
  if (!list) return fields.wrong("messages", "is required");
  if (list->empty()) return fields.wrong("messages", "at least one message is required");
  std::vector<chat::Message> out;
  out.reserve(list->size());
  CallIds known{calls};
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(chat::Message message, parse_message((*list)[i], item(fields.path("messages"), i), known));
    for (const auto& call : message.tool_calls) known.ids.insert(call.id);
    out.push_back(std::move(message));
  }
  return out;
}

Result<std::vector<chat::Tool>> parse_tools(const Fields& fields) {
  TRY(const json* list, fields.array("tools", chat::kToolsMax));
  std::vector<chat::Tool> out;
  if (!list) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = item(fields.path("tools"), i);
    TRY(chat::Tool tool, parse_tool((*list)[i], path));
    if (has_tool(out, tool.name))
      return field_error(path + ".function.name", "'" + tool.name + "' is already taken");
    out.push_back(std::move(tool));
  }
  return out;
}

Result<chat::ToolChoice> parse_tool_choice(const Fields& fields,
                                           const std::vector<chat::Tool>& tools) {
  const json* choice = fields.find("tool_choice");
  if (!choice) return chat::ToolChoice{};
  if (choice->is_object()) return parse_named_choice(fields, tools);
  if (*choice == "none") return chat::ToolChoice{chat::ToolChoice::Mode::None};
  if (*choice == "auto") return chat::ToolChoice{};
  if (*choice != "required")
    return fields.wrong(
        "tool_choice",
        R"(must be none, auto, required or {"type":"function","function":{"name":…}})");
  if (tools.empty())
    return fields.wrong("tool_choice", "required needs at least one tool in tools");
  return chat::ToolChoice{chat::ToolChoice::Mode::Required};
}

}  // namespace hearth::api
