#include <algorithm>

#include "chat/message_json.h"
#include "dialect/ollama/fields.h"
#include "dialect/parts/asked.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::ollama {
namespace {

using chat::Role;

class RequestReader {
 public:
  Result<Carried<Request>> read_chat(const Json& body);
  Result<Carried<Request>> read_generate(const Json& body);

 private:
  Result<void> read_common(const Fields& fields);
  Result<void> read_tools(const Fields& fields);
  Result<void> read_messages(const Json& list);
  Result<void> read_message(const Json& value, const std::string& path);
  Result<void> read_images(const Fields& fields, chat::Message& out);
  Result<void> read_calls(const Fields& fields, chat::Message& out);
  Result<void> read_call(const Json& value, const std::string& path, chat::Message& out);
  Result<void> find_call(const Fields& fields, chat::Message& out);

  Carried<Request> out_{};
  chat::Conversation talk_{};
  std::vector<chat::ToolCall> unanswered_{};  // of the conversation so far, without arguments
  std::size_t calls_ = 0;
};

Result<void> RequestReader::read_common(const Fields& fields) {
  Ask& ask = out_.what.ask;
  TRY(ask.model, read_model(fields));
  TRY(ask.stream, fields.flag_or("stream", true));
  TRY(out_.what.keep_alive_s, read_keep_alive(fields));
  TRY_VOID(read_options(fields, ask.request, out_.lost));
  TRY(ask.request.format, read_format(fields));
  return ok();
}

Result<Carried<Request>> RequestReader::read_chat(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  TRY_VOID(read_common(fields));
  TRY_VOID(read_tools(fields));
  TRY(const Json* messages, fields.array("messages", chat::kMessagesMax));
  out_.what.is_load = !messages || messages->empty();
  if (messages) TRY_VOID(read_messages(*messages));
  TRY_VOID(check_tools(talk_));
  lose_unknown(body, "",
               {"model", "stream", "keep_alive", "options", "format", "tools", "messages"},
               out_.lost);
  name_answers(talk_.messages);
  out_.what.ask.request.prompt = std::move(talk_);
  return std::move(out_);
}

Result<Carried<Request>> RequestReader::read_generate(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  TRY_VOID(read_common(fields));
  TRY(std::string prompt, fields.text_or("prompt", ""));
  TRY(const std::string suffix, fields.text_or("suffix", ""));
  if (!suffix.empty()) return fields.wrong("suffix", "filling in the middle is not supported");
  TRY(const bool is_raw, fields.flag_or("raw", false));
  TRY(std::string system, fields.text_or("system", ""));
  out_.what.is_load = prompt.empty() && !fields.has("images");
  lose_unknown(body, "",
               {"model", "stream", "keep_alive", "options", "format", "prompt", "suffix", "raw",
                "system", "images"},
               out_.lost);
  if (is_raw) {
    if (!system.empty()) out_.lost.add("system", "is not used with raw");
    if (fields.has("images")) return fields.wrong("images", "are not supported with raw");
    out_.what.ask.request.prompt = chat::PlainText{std::move(prompt)};
    return std::move(out_);
  }
  if (!system.empty())
    talk_.messages.push_back({.role = Role::System, .content = std::move(system)});
  chat::Message user{.role = Role::User, .content = std::move(prompt)};
  TRY_VOID(read_images(fields, user));
  talk_.messages.push_back(std::move(user));
  out_.what.ask.request.prompt = std::move(talk_);
  return std::move(out_);
}

Result<void> RequestReader::read_tools(const Fields& fields) {
  TRY(const Json* tools, fields.array("tools", chat::kToolsMax));
  for (std::size_t i = 0; tools && i < tools->size(); ++i) {
    TRY(const Fields tool, Fields::of((*tools)[i], item("tools", i)));
    if (!tool.has("function")) return tool.wrong("function", "is required");
    TRY(const Fields function, Fields::of(*tool.find("function"), tool.path("function")));
    TRY(talk_.tools.emplace_back(), dialect::read_tool(function, "parameters"));
  }
  return ok();
}

Result<void> RequestReader::read_messages(const Json& list) {
  for (std::size_t i = 0; i < list.size(); ++i)
    TRY_VOID(read_message(list[i], item("messages", i)));
  return ok();
}

Result<void> RequestReader::read_message(const Json& value, const std::string& path) {
  TRY(const Fields fields, Fields::of(value, path));
  TRY(const std::string role, fields.text("role"));
  chat::Message out{.role = Role::User, .content = {}};
  if (role == "system")
    out.role = Role::System;
  else if (role == "assistant")
    out.role = Role::Assistant;
  else if (role == "tool")
    out.role = Role::Tool;
  else if (role != "user")
    return fields.wrong("role", "must be system, user, assistant or tool");
  TRY(out.content, fields.text_or("content", ""));
  TRY_VOID(read_images(fields, out));
  if (out.role == Role::Assistant) {
    TRY(out.reasoning, fields.text_or("thinking", ""));
    TRY_VOID(read_calls(fields, out));
  }
  if (out.role == Role::Tool) TRY_VOID(find_call(fields, out));
  talk_.messages.push_back(std::move(out));
  return ok();
}

/// They have no place in the text there, and are looked at before it.
Result<void> RequestReader::read_images(const Fields& fields, chat::Message& out) {
  TRY(const Json* images, fields.array("images", chat::kImagesMax));
  if (!images || images->empty()) return ok();
  if (out.role != Role::User && out.role != Role::Tool)
    return fields.wrong("images", "are allowed only with role user or tool");
  for (std::size_t i = 0; i < images->size(); ++i) {
    TRY(chat::Image image, read_image((*images)[i], item(fields.path("images"), i)));
    out.images.push_back(std::move(image));
  }
  return ok();
}

Result<void> RequestReader::read_calls(const Fields& fields, chat::Message& out) {
  TRY(const Json* calls, fields.array("tool_calls", chat::kToolsMax));
  for (std::size_t i = 0; calls && i < calls->size(); ++i)
    TRY_VOID(read_call((*calls)[i], item(fields.path("tool_calls"), i), out));
  return ok();
}

Result<void> RequestReader::read_call(const Json& value, const std::string& path,
                                      chat::Message& out) {
  TRY(const Fields fields, Fields::of(value, path));
  if (!fields.has("function")) return fields.wrong("function", "is required");
  TRY(const Fields function, Fields::of(*fields.find("function"), fields.path("function")));
  chat::ToolCall call;
  TRY(call.id, fields.text_or("id", "call_" + std::to_string(calls_++)));
  if (call.id.empty() || call.id.size() > kCallIdBytesMax)
    return fields.wrong("id", "1 to " + std::to_string(kCallIdBytesMax) + " bytes are required");
  TRY(call.name, read_function_name(function));
  const Json* arguments = function.find("arguments");
  if (arguments && !arguments->is_object())
    return function.wrong("arguments", "an object is required");
  call.arguments = arguments ? chat::json_text(*arguments) : "{}";
  unanswered_.push_back({call.id, call.name, ""});
  out.tool_calls.push_back(std::move(call));
  return ok();
}

/// By its id, else the first of its tool that has no answer yet, else the first.
Result<void> RequestReader::find_call(const Fields& fields, chat::Message& out) {
  TRY(const std::string id, fields.text_or("tool_call_id", ""));
  TRY(const std::string name, fields.text_or("tool_name", ""));
  const auto found = std::ranges::find_if(unanswered_, [&](const chat::ToolCall& call) {
    if (!id.empty()) return call.id == id;
    return name.empty() || call.name == name;
  });
  if (found == unanswered_.end())
    return fields.wrong(id.empty() ? "tool_name" : "tool_call_id",
                        "no earlier message holds a call that this answers");
  out.tool_call_id = found->id;
  unanswered_.erase(found);
  return ok();
}

}  // namespace

Result<Carried<Request>> read_request(const Json& body, Endpoint endpoint) {
  return endpoint == Endpoint::Chat ? RequestReader().read_chat(body)
                                    : RequestReader().read_generate(body);
}

Result<Carried<EmbedRequest>> read_embed(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  Carried<EmbedRequest> out;
  TRY(out.what.model, read_model(fields));
  TRY(out.what.truncate, fields.flag_or("truncate", true));
  TRY(out.what.keep_alive_s, read_keep_alive(fields));
  lose_unknown(body, "", {"model", "input", "truncate", "keep_alive"}, out.lost);
  const Json* input = fields.find("input");
  if (input && input->is_string()) {
    out.what.inputs.push_back(input->get<std::string>());
    return out;
  }
  TRY(const Json* list, fields.array("input", kEmbedInputsMax));
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    if (!(*list)[i].is_string()) return field_error(item("input", i), "a string is required");
    out.what.inputs.push_back((*list)[i].get<std::string>());
  }
  return out;
}

Result<Carried<EmbedRequest>> read_embeddings(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  Carried<EmbedRequest> out;
  TRY(out.what.model, read_model(fields));
  TRY(out.what.inputs.emplace_back(), fields.text("prompt"));
  TRY(out.what.keep_alive_s, read_keep_alive(fields));
  lose_unknown(body, "", {"model", "prompt", "keep_alive"}, out.lost);
  return out;
}

Result<std::string> read_show(const Json& body) {
  TRY(const Fields fields, Fields::of(body));
  if (!fields.has("model") && fields.has("name")) return fields.text("name");
  return read_model(fields);
}

}  // namespace hearth::dialect::ollama
