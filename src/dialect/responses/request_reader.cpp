#include <algorithm>
#include <set>

#include "dialect/parts/asked.h"
#include "dialect/parts/lenient.h"
#include "dialect/responses.h"

namespace hearth::dialect::responses {
namespace {

using chat::Role;

class RequestReader {
 public:
  Result<Carried<Request>> read(const Json& body);

 private:
  Result<void> read_delivery(const Fields& fields);
  Result<void> read_metadata(const Fields& fields);
  Result<void> read_reasoning_options(const Fields& fields);
  Result<void> read_sampling(const Fields& fields);
  Result<void> read_format(const Fields& fields);
  Result<void> read_tools(const Fields& fields);
  Result<void> read_choice(const Fields& fields);
  Result<void> read_input(const Fields& fields);
  Result<void> read_item(const Json& value, const std::string& path);
  Result<void> read_message(const Fields& fields);
  Result<void> read_content(const Json& content, const std::string& path, chat::Message& out);
  Result<void> read_part(const Json& value, const std::string& path, MessageParts& said);
  Result<void> read_image(const Fields& part, MessageParts& said);
  Result<void> read_call(const Fields& fields);
  Result<void> read_output(const Fields& fields);
  Result<void> read_thoughts(const Fields& fields, const Json& value);

  Carried<Request> out_{};
  chat::Conversation talk_{};
  std::set<std::string, std::less<>> call_ids_{};
  std::string thoughts_{};  // of the assistant's next message
};

Result<Carried<Request>> RequestReader::read(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  TRY(out_.what.ask.model, read_model(fields));
  TRY_VOID(read_delivery(fields));
  TRY_VOID(read_sampling(fields));
  TRY_VOID(read_format(fields));
  TRY_VOID(read_tools(fields));
  TRY_VOID(read_choice(fields));
  TRY_VOID(check_tools(talk_));
  TRY_VOID(read_input(fields));
  lose_unknown(body, "",
               {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls",
                "max_output_tokens", "text", "temperature", "top_p", "stream", "store",
                "background", "previous_response_id", "metadata", "reasoning"},
               out_.lost);
  name_answers(talk_.messages);
  out_.what.ask.request.prompt = std::move(talk_);
  return std::move(out_);
}

Result<void> RequestReader::read_delivery(const Fields& fields) {
  Delivery& delivery = out_.what.delivery;
  TRY(out_.what.ask.stream, fields.flag_or("stream", false));
  TRY(delivery.store, fields.flag_or("store", true));
  TRY(delivery.background, fields.flag_or("background", false));
  TRY(delivery.previous_response_id, fields.text_or("previous_response_id", ""));
  if (delivery.previous_response_id.size() > kResponseIdBytesMax)
    return fields.wrong("previous_response_id",
                        "at most " + std::to_string(kResponseIdBytesMax) + " bytes are allowed");
  TRY(delivery.instructions, fields.text_or("instructions", ""));
  if (!delivery.instructions.empty())
    talk_.messages.push_back({.role = Role::System, .content = delivery.instructions});
  TRY_VOID(read_metadata(fields));
  if (fields.has("conversation")) return fields.wrong("conversation", "is not supported");
  if (fields.has("prompt")) return fields.wrong("prompt", "is not supported");
  return read_reasoning_options(fields);
}

Result<void> RequestReader::read_metadata(const Fields& fields) {
  const Json* metadata = fields.find("metadata");
  if (!metadata) return ok();
  TRY(const Fields members, Fields::of(*metadata, "metadata"));
  if (metadata->size() > kMetadataMax)
    return fields.wrong("metadata",
                        "at most " + std::to_string(kMetadataMax) + " members are allowed");
  for (const auto& [name, value] : metadata->items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kMetadataBytesMax)
      return members.wrong(
          name, "a string of at most " + std::to_string(kMetadataBytesMax) + " bytes is required");
  }
  out_.what.delivery.metadata = *metadata;
  return ok();
}

Result<void> RequestReader::read_reasoning_options(const Fields& fields) {
  const Json* reasoning = fields.find("reasoning");
  if (!reasoning) return ok();
  TRY(const Fields options, Fields::of(*reasoning, "reasoning"));
  TRY(out_.what.delivery.effort, options.text_or("effort", ""));
  for (const auto& [name, value] : reasoning->items())
    if (!value.is_null()) out_.lost.add("reasoning." + name, "is not used");
  return ok();
}

Result<void> RequestReader::read_sampling(const Fields& fields) {
  chat::Request& request = out_.what.ask.request;
  TRY(request.sampling.temperature, fields.number_or("temperature", 1, {0, 2}));
  TRY(request.sampling.top_p, read_top_p(fields));
  TRY(request.tokens_max, read_tokens_max(fields, "max_output_tokens"));
  return ok();
}

Result<void> RequestReader::read_format(const Fields& fields) {
  const Json* text = fields.find("text");
  if (!text) return ok();
  TRY(const Fields options, Fields::of(*text, "text"));
  lose_unknown(*text, "text", {"format"}, out_.lost);
  if (!options.has("format")) return ok();
  TRY(const Fields format, Fields::of(*options.find("format"), "text.format"));
  TRY(const std::string type, format.text("type"));
  chat::OutputFormat& wanted = out_.what.ask.request.format;
  out_.what.delivery.format = *options.find("format");
  if (type == "text") return ok();
  if (type == "json_object") {
    wanted.kind = chat::OutputFormat::Kind::JsonObject;
    return ok();
  }
  if (type != "json_schema")
    return format.wrong("type", "must be text, json_object or json_schema");
  TRY_VOID(format.text("name"));
  if (!format.has("schema")) return format.wrong("schema", "is required");
  TRY(wanted, read_schema_format(*format.find("schema"), "text.format.schema"));
  return ok();
}

Result<void> RequestReader::read_tools(const Fields& fields) {
  TRY(const Json* tools, fields.array("tools", chat::kToolsMax));
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    const std::string path = item("tools", i);
    TRY(const Fields tool, Fields::of((*tools)[i], path));
    TRY(const std::string type, tool.text("type"));
    if (type != "function") {
      out_.lost.add(path, "a tool that the provider would run is not offered");
      continue;
    }
    TRY(talk_.tools.emplace_back(), dialect::read_tool(tool, "parameters"));
  }
  return ok();
}

Result<void> RequestReader::read_choice(const Fields& fields) {
  using Mode = chat::ToolChoice::Mode;
  TRY(talk_.parallel_tool_calls, fields.flag_or("parallel_tool_calls", true));
  const Json* choice = fields.find("tool_choice");
  if (!choice || *choice == "auto") return ok();
  if (*choice == "none") talk_.tool_choice.mode = Mode::None;
  if (*choice == "required") talk_.tool_choice.mode = Mode::Required;
  if (talk_.tool_choice.mode != Mode::Auto) return ok();
  if (!choice->is_object())
    return fields.wrong("tool_choice",
                        R"(must be none, auto, required or {"type":"function","name":…})");
  TRY(const Fields named, Fields::of(*choice, "tool_choice"));
  TRY(const std::string type, named.text("type"));
  if (type != "function") return named.wrong("type", "must be function");
  TRY(std::string name, named.text("name"));
  TRY(talk_.tool_choice, named_choice(std::move(name), talk_.tools, "tool_choice.name"));
  return ok();
}

Result<void> RequestReader::read_input(const Fields& fields) {
  const Json* input = fields.find("input");
  if (!input) return fields.wrong("input", "is required");
  if (input->is_string()) {
    talk_.messages.push_back({.role = Role::User, .content = input->get<std::string>()});
    return ok();
  }
  if (!input->is_array()) return fields.wrong("input", "a string or an array is required");
  TRY(const Json* items, fields.array("input", chat::kMessagesMax - 1));
  if (items->empty()) return fields.wrong("input", "must not be an empty array");
  for (std::size_t i = 0; i < items->size(); ++i)
    TRY_VOID(read_item((*items)[i], item("input", i)));
  if (!thoughts_.empty()) out_.lost.add("input", "thoughts at its end are left out");
  if (talk_.messages.empty()) return fields.wrong("input", "at least one message is required");
  return ok();
}

Result<void> RequestReader::read_item(const Json& value, const std::string& path) {
  TRY(const Fields fields, Fields::of(value, path));
  TRY(const std::string type, fields.text_or("type", "message"));
  if (type == "message") return read_message(fields);
  if (type == "function_call") return read_call(fields);
  if (type == "function_call_output") return read_output(fields);
  if (type == "reasoning") return read_thoughts(fields, value);
  if (type == "item_reference") return fields.wrong("type", "item_reference is not supported");
  out_.lost.add(path, "an item of type " + type.substr(0, kNameBytesMax) + " is left out");
  return ok();
}

Result<void> RequestReader::read_message(const Fields& fields) {
  TRY(const std::string role, fields.text("role"));
  chat::Message out{.role = Role::User, .content = {}};
  if (role == "system" || role == "developer")
    out.role = Role::System;
  else if (role == "assistant")
    out.role = Role::Assistant;
  else if (role != "user")
    return fields.wrong("role", "must be user, assistant, system or developer");
  const Json* content = fields.find("content");
  if (!content) return fields.wrong("content", "is required");
  TRY_VOID(read_content(*content, fields.path("content"), out));
  if (out.role != Role::User && !out.images.empty())
    return fields.wrong("content", "images are allowed only with role user");
  if (out.role == Role::Assistant) out.reasoning = std::exchange(thoughts_, "");
  talk_.messages.push_back(std::move(out));
  return ok();
}

Result<void> RequestReader::read_content(const Json& content, const std::string& path,
                                         chat::Message& out) {
  if (content.is_string()) {
    out.content = content.get<std::string>();
    return ok();
  }
  if (!content.is_array()) return field_error(path, "a string or an array of parts is required");
  if (content.size() > kPartsMax)
    return field_error(path, "at most " + std::to_string(kPartsMax) + " parts are allowed");
  MessageParts said(out.role == Role::Assistant ? "" : "\n");
  for (std::size_t i = 0; i < content.size(); ++i)
    TRY_VOID(read_part(content[i], item(path, i), said));
  said.move_into(out);
  return ok();
}

Result<void> RequestReader::read_part(const Json& value, const std::string& path,
                                      MessageParts& said) {
  TRY(const Fields part, Fields::of(value, path));
  TRY(const std::string type, part.text("type"));
  if (type == "input_image") return read_image(part, said);
  const bool is_refusal = type == "refusal";
  if (!is_refusal && type != "input_text" && type != "output_text" && type != "text")
    return part.wrong("type", "'" + type.substr(0, kNameBytesMax) +
                                  "' is not supported, only text and input_image are");
  TRY(const std::string text, part.text(is_refusal ? "refusal" : "text"));
  said.add_text(text);
  return ok();
}

Result<void> RequestReader::read_image(const Fields& part, MessageParts& said) {
  if (!part.has("image_url"))
    return part.wrong("image_url", "is required: files are not supported");
  TRY(const std::string url, part.text("image_url"));
  if (part.has("detail") && *part.find("detail") != "auto")
    out_.lost.add(part.path("detail"), "is not used");
  TRY(chat::Image image, image_of_url(url, part.path("image_url")));
  return said.add_image(std::move(image), part.path("image_url"));
}

/// Calls that follow each other were made at the same time, by one message.
Result<void> RequestReader::read_call(const Fields& fields) {
  chat::ToolCall call;
  TRY(call.id, read_call_id(fields, "call_id"));
  TRY(call.name, read_function_name(fields));
  TRY(call.arguments, fields.text("arguments"));
  const bool joins =
      !talk_.messages.empty() && talk_.messages.back().role == Role::Assistant && thoughts_.empty();
  if (!joins)
    talk_.messages.push_back(
        {.role = Role::Assistant, .content = {}, .reasoning = std::exchange(thoughts_, "")});
  chat::Message& said = talk_.messages.back();
  if (said.tool_calls.size() == chat::kToolsMax)
    return fields.wrong(
        "type", "at most " + std::to_string(chat::kToolsMax) + " calls may follow each other");
  call_ids_.insert(call.id);
  said.tool_calls.push_back(std::move(call));
  return ok();
}

Result<void> RequestReader::read_output(const Fields& fields) {
  chat::Message out{.role = Role::Tool, .content = {}};
  TRY(out.tool_call_id, read_call_id(fields, "call_id"));
  const bool is_known = call_ids_.contains(out.tool_call_id);
  if (!is_known && out_.what.delivery.previous_response_id.empty())
    return fields.wrong("call_id", "no earlier item is a function_call with this id");
  const Json* output = fields.find("output");
  if (!output) return fields.wrong("output", "is required");
  TRY_VOID(read_content(*output, fields.path("output"), out));
  talk_.messages.push_back(std::move(out));
  return ok();
}

/// What this face showed as a summary comes back so.
Result<void> RequestReader::read_thoughts(const Fields& fields, const Json& value) {
  if (fields.has("encrypted_content"))
    out_.lost.add(fields.path("encrypted_content"), "is not used");
  TRY(const Json* summary, fields.array("summary", kPartsMax));
  for (std::size_t i = 0; summary && i < summary->size(); ++i)
    thoughts_ += text_at((*summary)[i], "text");
  if (const Json& content = at(value, "content"); content.is_array() && thoughts_.empty())
    for (const Json& part : content) thoughts_ += text_at(part, "text");
  return ok();
}

}  // namespace

Result<Carried<Request>> read_request(const Json& body) { return RequestReader().read(body); }

}  // namespace hearth::dialect::responses
