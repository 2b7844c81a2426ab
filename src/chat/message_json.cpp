#include "chat/message_json.h"

namespace hearth::chat {
namespace {

Json image_json(const Image& image) {
  if (!image.url.empty()) return {{"url", image.url}, {"at", image.at}};
  return {{"media_type", image.media_type}, {"data", image.data}, {"at", image.at}};
}

/// What was kept is trusted to be an image; where it stands is checked by who splits the text.
Image image_of(const Json& object) {
  Image image{.media_type = text_in(object, "media_type"),
              .data = text_in(object, "data"),
              .url = text_in(object, "url")};
  const auto at = object.find("at");
  if (at != object.end() && at->is_number_unsigned()) image.at = at->get<std::uint32_t>();
  return image;
}

void take_images(const Json& object, Message& message) {
  const auto images = object.find("images");
  if (images == object.end() || !images->is_array()) return;
  for (const Json& image : *images)
    if (image.is_object()) message.images.push_back(image_of(image));
}

}  // namespace

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Json extras_of(const Message& message) {
  Json extras = Json::object();
  if (!message.reasoning.empty()) extras["reasoning"] = message.reasoning;
  if (!message.tool_call_id.empty()) extras["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) extras["name"] = message.name;
  if (message.is_error) extras["is_error"] = true;
  for (const Image& image : message.images) extras["images"].push_back(image_json(image));
  for (const ToolCall& call : message.tool_calls)
    extras["tool_calls"].push_back(
        {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  return extras;
}

void take_extras(const Json& object, Message& message) {
  message.reasoning = text_in(object, "reasoning");
  message.tool_call_id = text_in(object, "tool_call_id");
  message.name = text_in(object, "name");
  const auto is_error = object.find("is_error");
  message.is_error = is_error != object.end() && *is_error == true;
  take_images(object, message);
  const auto calls = object.find("tool_calls");
  if (calls == object.end()) return;
  for (const Json& call : *calls)
    message.tool_calls.push_back({.id = text_in(call, "id"),
                                  .name = text_in(call, "name"),
                                  .arguments = text_in(call, "arguments")});
}

Role role_of(const std::string& name) {
  for (const Role role : {Role::System, Role::User, Role::Assistant})
    if (name == role_name(role)) return role;
  return Role::Tool;
}

std::string message_text(const Message& message) {
  Json json = extras_of(message);
  json["role"] = role_name(message.role);
  json["content"] = message.content;
  return json_text(json);
}

Result<Message> message_of(const std::string& text) {
  const auto json = parse_json(text, "a stored message");
  if (!json.ok()) return Error{Code::Corrupt, json.error().message};
  Message message{.role = role_of(text_in(json.value(), "role")),
                  .content = text_in(json.value(), "content")};
  take_extras(json.value(), message);
  return message;
}

}  // namespace hearth::chat
