#include "dialect/parts/asked.h"

#include <algorithm>
#include <map>
#include <set>

#include "chat/message_json.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect {
namespace {

std::string at_most(std::size_t limit, std::string_view what) {
  return "at most " + std::to_string(limit) + " " + std::string(what) + " are allowed";
}

bool has_tool(const std::vector<chat::Tool>& tools, const std::string& name) {
  return std::ranges::any_of(tools, [&](const chat::Tool& tool) { return tool.name == name; });
}

Result<std::string> read_stop(const Json& stop, const std::string& path) {
  if (!stop.is_string()) return field_error(path, "a string is required");
  std::string text = stop.get<std::string>();
  if (text.empty()) return field_error(path, "must not be empty");
  if (text.size() > chat::kStopBytesMax)
    return field_error(path, at_most(chat::kStopBytesMax, "bytes"));
  return text;
}

}  // namespace

bool is_function_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.size() <= kNameBytesMax &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<std::string> read_model(const Fields& fields) {
  TRY(std::string model, fields.text("model"));
  if (model.empty() || model.size() > kModelBytesMax)
    return fields.wrong("model", "1 to " + std::to_string(kModelBytesMax) + " bytes are required");
  return model;
}

Result<std::string> read_function_name(const Fields& fields) {
  TRY(std::string name, fields.text("name"));
  if (is_function_name(name)) return name;
  return fields.wrong("name", "1 to 64 of a-z, A-Z, 0-9, _ and - are required");
}

Result<std::string> read_call_id(const Fields& fields, std::string_view name) {
  TRY(std::string id, fields.text(name));
  if (!id.empty() && id.size() <= kCallIdBytesMax) return id;
  return fields.wrong(name, "1 to " + std::to_string(kCallIdBytesMax) + " bytes are required");
}

Result<std::string> read_schema(const Fields& fields, std::string_view name) {
  const Json* schema = fields.find(name);
  if (!schema) return std::string("{}");
  TRY(const Fields object, Fields::of(*schema, fields.path(name)));
  if (object.has("type") && *object.find("type") != "object")
    return object.wrong("type", "must be object: the arguments of a function are an object");
  std::string text = chat::json_text(*schema);
  if (text.size() <= chat::kSchemaBytesMax) return text;
  return fields.wrong(name, at_most(chat::kSchemaBytesMax, "bytes"));
}

Result<chat::Tool> read_tool(const Fields& fields, std::string_view schema) {
  chat::Tool tool;
  TRY(tool.name, read_function_name(fields));
  TRY(tool.description, fields.text_or("description", ""));
  TRY(tool.parameters, read_schema(fields, schema));
  return tool;
}

Result<std::vector<std::string>> read_stops(const Fields& fields, std::string_view name) {
  std::vector<std::string> out;
  const Json* stops = fields.find(name);
  if (!stops) return out;
  if (stops->is_string()) {
    TRY(std::string stop, read_stop(*stops, fields.path(name)));
    out.push_back(std::move(stop));
    return out;
  }
  TRY(const Json* list, fields.array(name, chat::kStopMax));
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY(std::string stop, read_stop((*list)[i], item(fields.path(name), i)));
    out.push_back(std::move(stop));
  }
  return out;
}

Result<chat::OutputFormat> read_schema_format(const Json& schema, std::string path) {
  if (!schema.is_object())
    return field_error(std::move(path), "a JSON Schema (an object) is required");
  std::string text = chat::json_text(schema);
  if (text.size() > chat::kSchemaBytesMax)
    return field_error(std::move(path), at_most(chat::kSchemaBytesMax, "bytes"));
  return chat::OutputFormat{chat::OutputFormat::Kind::JsonSchema, std::move(text)};
}

Result<std::optional<std::uint32_t>> read_tokens_max(const Fields& fields, std::string_view name) {
  TRY(const auto tokens, fields.whole(name, {1, kTokensMax}));
  if (!tokens) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(*tokens));
}

Result<float> read_top_p(const Fields& fields) {
  TRY(const double top_p, fields.number_or("top_p", 1, {0, 1}));
  return static_cast<float>(std::max(top_p, kSmallestShare));
}

Result<chat::ToolChoice> named_choice(std::string name, const std::vector<chat::Tool>& tools,
                                      const std::string& field) {
  if (!has_tool(tools, name)) return field_error(field, "no tool of this name is in tools");
  return chat::ToolChoice{chat::ToolChoice::Mode::Named, std::move(name)};
}

Result<void> check_tools(const chat::Conversation& talk) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < talk.tools.size(); ++i)
    if (!names.insert(talk.tools[i].name).second)
      return field_error(item("tools", i) + ".name",
                         "'" + talk.tools[i].name + "' is already taken");
  if (talk.tools.empty() && talk.tool_choice.mode == chat::ToolChoice::Mode::Required)
    return field_error("tool_choice", "needs at least one tool in tools");
  return ok();
}

void lose_unknown(const Json& object, std::string_view path,
                  std::initializer_list<std::string_view> known, Lost& lost) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_null() || std::ranges::find(known, name) != known.end()) continue;
    const std::string shown = name.substr(0, kNameBytesMax);
    lost.add(path.empty() ? shown : std::string(path) + "." + shown, "is not used");
  }
}

void name_answers(std::vector<chat::Message>& messages) {
  std::map<std::string_view, std::string_view> names;
  for (chat::Message& message : messages) {
    for (const chat::ToolCall& call : message.tool_calls) names[call.id] = call.name;
    const auto called = names.find(message.tool_call_id);
    if (message.role == chat::Role::Tool && called != names.end()) message.name = called->second;
  }
}

}  // namespace hearth::dialect
