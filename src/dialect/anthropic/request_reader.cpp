#include <algorithm>
#include <set>

#include "chat/message_json.h"
#include "dialect/anthropic.h"
#include "dialect/parts/asked.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::anthropic {
namespace {

using chat::Role;

constexpr const char* kIsMarker = "cache_control";

class RequestReader {
 public:
  Result<Carried<Ask>> read(const Json& body, Endpoint endpoint);

 private:
  Result<void> read_limits(const Fields& fields, Endpoint endpoint);
  Result<void> read_sampling(const Fields& fields);
  Result<void> read_format(const Fields& fields);
  Result<void> read_tools(const Fields& fields);
  Result<void> read_tool(const Json& value, const std::string& path);
  Result<void> read_choice(const Fields& fields);
  Result<void> read_system(const Fields& fields);
  Result<void> read_messages(const Fields& fields);
  Result<void> read_message(const Json& value, const std::string& path);
  Result<void> read_user(const Json& content, const std::string& path);
  Result<void> read_user_block(const Fields& block, const std::string& path, MessageParts& said,
                               bool& marked);
  Result<void> read_assistant(const Json& content, const std::string& path);
  Result<void> read_assistant_block(const Fields& block, const std::string& path,
                                    MessageParts& said, chat::Message& out);
  Result<void> read_tool_use(const Fields& block, chat::Message& out);
  Result<void> read_tool_result(const Fields& block, const std::string& path);
  Result<void> read_part(const Fields& block, const std::string& path, MessageParts& said);
  Result<chat::Image> read_image(const Fields& block);
  void push_user(MessageParts& said, bool& marked);
  void mark();
  Result<void> check_marks(const Fields& fields);

  chat::Conversation talk_{};
  Carried<Ask> out_{};
  std::set<std::string, std::less<>> call_ids_{};
};

Result<Fields> block_of(const Json& value, const std::string& path, std::string& type) {
  TRY(Fields block, Fields::of(value, path));
  TRY(type, block.text("type"));
  return block;
}

Error unknown_block(const Fields& block, const std::string& type, std::string_view known) {
  return block.wrong("type", "'" + type.substr(0, kNameBytesMax) + "' is not supported, only " +
                                 std::string(known));
}

Result<void> check_count(const Json& blocks, const std::string& path) {
  if (blocks.size() <= kPartsMax) return ok();
  return field_error(path, "at most " + std::to_string(kPartsMax) + " blocks are allowed");
}

Result<Carried<Ask>> RequestReader::read(const Json& body, Endpoint endpoint) {
  TRY(const Fields fields, Fields::of(body));
  TRY(out_.what.model, read_model(fields));
  TRY_VOID(read_limits(fields, endpoint));
  TRY_VOID(read_sampling(fields));
  TRY_VOID(read_format(fields));
  TRY_VOID(read_tools(fields));
  TRY_VOID(read_choice(fields));
  TRY_VOID(check_tools(talk_));
  TRY_VOID(read_system(fields));
  TRY_VOID(read_messages(fields));
  TRY_VOID(check_marks(fields));
  lose_unknown(
      body, "",
      {"model", "max_tokens", "messages", "system", "stop_sequences", "stream", "temperature",
       "top_p", "top_k", "tools", "tool_choice", "output_config", "output_format"},
      out_.lost);
  name_answers(talk_.messages);
  out_.what.request.prompt = std::move(talk_);
  return std::move(out_);
}

Result<void> RequestReader::read_limits(const Fields& fields, Endpoint endpoint) {
  TRY(out_.what.request.tokens_max, read_tokens_max(fields, "max_tokens"));
  if (endpoint == Endpoint::Messages && !out_.what.request.tokens_max)
    return fields.wrong("max_tokens", "a whole number of at least 1 is required");
  if (endpoint == Endpoint::CountTokens) out_.what.request.tokens_max = 0;
  TRY(out_.what.request.stop, read_stops(fields, "stop_sequences"));
  if (fields.has("stop_sequences") && !fields.find("stop_sequences")->is_array())
    return fields.wrong("stop_sequences", "an array is required");
  TRY(out_.what.stream, fields.flag_or("stream", false));
  return ok();
}

Result<void> RequestReader::read_sampling(const Fields& fields) {
  chat::Sampling& sampling = out_.what.request.sampling;
  TRY(sampling.temperature, fields.number_or("temperature", 1, {0, 1}));
  TRY(sampling.top_p, read_top_p(fields));
  TRY(const auto top_k, fields.whole_or("top_k", 0, {0, kTokensMax}));
  sampling.top_k = static_cast<std::int32_t>(top_k);
  return ok();
}

/// `output_config.format`, and `output_format` as it was called before.
Result<void> RequestReader::read_format(const Fields& fields) {
  const Json* format = fields.find("output_format");
  std::string path = "output_format";
  if (fields.has("output_config")) {
    TRY(const Fields config, Fields::of(*fields.find("output_config"), "output_config"));
    lose_unknown(*fields.find("output_config"), "output_config", {"format"}, out_.lost);
    format = config.find("format");
    path = "output_config.format";
  }
  if (!format) return ok();
  TRY(const Fields wanted, Fields::of(*format, path));
  TRY(const std::string type, wanted.text("type"));
  if (type != "json_schema") return wanted.wrong("type", "must be json_schema");
  if (!wanted.has("schema")) return wanted.wrong("schema", "is required");
  TRY(out_.what.request.format, read_schema_format(*wanted.find("schema"), wanted.path("schema")));
  return ok();
}

Result<void> RequestReader::read_tools(const Fields& fields) {
  TRY(const Json* tools, fields.array("tools", chat::kToolsMax));
  for (std::size_t i = 0; tools && i < tools->size(); ++i)
    TRY_VOID(read_tool((*tools)[i], item("tools", i)));
  return ok();
}

Result<void> RequestReader::read_tool(const Json& value, const std::string& path) {
  TRY(const Fields fields, Fields::of(value, path));
  TRY(const std::string type, fields.text_or("type", "custom"));
  if (fields.has(kIsMarker)) mark();
  if (type != "custom") {
    out_.lost.add(path, "a tool that the provider would run is not offered");
    return ok();
  }
  TRY(chat::Tool tool, dialect::read_tool(fields, "input_schema"));
  if (!fields.has("input_schema")) return fields.wrong("input_schema", "is required");
  lose_unknown(value, path, {"type", "name", "description", "input_schema", kIsMarker}, out_.lost);
  talk_.tools.push_back(std::move(tool));
  return ok();
}

Result<void> RequestReader::read_choice(const Fields& fields) {
  using Mode = chat::ToolChoice::Mode;
  const Json* value = fields.find("tool_choice");
  if (!value) return ok();
  TRY(const Fields choice, Fields::of(*value, "tool_choice"));
  TRY(const std::string type, choice.text("type"));
  TRY(const bool single, choice.flag_or("disable_parallel_tool_use", false));
  talk_.parallel_tool_calls = !single;
  if (type == "auto") return ok();
  if (type == "none") talk_.tool_choice.mode = Mode::None;
  if (type == "any") talk_.tool_choice.mode = Mode::Required;
  if (type == "none" || type == "any") return ok();
  if (type != "tool") return choice.wrong("type", "must be auto, any, tool or none");
  TRY(std::string name, choice.text("name"));
  TRY(talk_.tool_choice, named_choice(std::move(name), talk_.tools, "tool_choice.name"));
  return ok();
}

Result<void> RequestReader::read_system(const Fields& fields) {
  const Json* system = fields.find("system");
  if (!system) return ok();
  MessageParts said("\n");
  bool marked = false;
  if (system->is_string()) {
    said.add_text(system->get<std::string>());
  } else if (system->is_array()) {
    TRY_VOID(check_count(*system, "system"));
    for (std::size_t i = 0; i < system->size(); ++i) {
      std::string type;
      TRY(const Fields block, block_of((*system)[i], item("system", i), type));
      if (type != "text") return unknown_block(block, type, "text is");
      TRY_VOID(read_part(block, item("system", i), said));
      marked = marked || block.has(kIsMarker);
    }
  } else {
    return fields.wrong("system", "a string or an array of text blocks is required");
  }
  if (said.empty()) return ok();
  chat::Message message{.role = Role::System, .content = {}};
  said.move_into(message);
  talk_.messages.push_back(std::move(message));
  if (marked) mark();
  return ok();
}

Result<void> RequestReader::read_messages(const Fields& fields) {
  TRY(const Json* list, fields.array("messages", chat::kMessagesMax));
  if (!list || list->empty()) return fields.wrong("messages", "at least one message is required");
  for (std::size_t i = 0; i < list->size(); ++i) {
    TRY_VOID(read_message((*list)[i], item("messages", i)));
    if (talk_.messages.size() > chat::kMessagesMax)
      return fields.wrong("messages", "hold more than " + std::to_string(chat::kMessagesMax) +
                                          " messages and results of tools");
  }
  return ok();
}

Result<void> RequestReader::read_message(const Json& value, const std::string& path) {
  TRY(const Fields message, Fields::of(value, path));
  TRY(const std::string role, message.text("role"));
  if (role != "user" && role != "assistant")
    return message.wrong("role", role == "system" ? "system texts go to the field system"
                                                  : "must be user or assistant");
  const Json* content = message.find("content");
  const std::string content_path = message.path("content");
  if (!content) return message.wrong("content", "is required");
  if (content->is_string()) {
    talk_.messages.push_back({.role = role == "user" ? Role::User : Role::Assistant,
                              .content = content->get<std::string>()});
    return ok();
  }
  if (!content->is_array())
    return message.wrong("content", "a string or an array of blocks is required");
  TRY_VOID(check_count(*content, content_path));
  return role == "user" ? read_user(*content, content_path)
                        : read_assistant(*content, content_path);
}

Result<void> RequestReader::read_user(const Json& content, const std::string& path) {
  if (content.empty()) return field_error(path, "must not be an empty array");
  MessageParts said("\n");
  bool marked = false;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const std::string here = item(path, i);
    std::string type;
    TRY(const Fields block, block_of(content[i], here, type));
    if (type == "tool_result") push_user(said, marked);
    marked = marked || block.has(kIsMarker);
    if (type == "tool_result") {
      TRY_VOID(read_tool_result(block, here));
      if (std::exchange(marked, false)) mark();
    } else if (type == "text" || type == "image") {
      TRY_VOID(read_part(block, here, said));
    } else {
      return unknown_block(block, type, "text, image and tool_result are");
    }
  }
  push_user(said, marked);
  return ok();
}

void RequestReader::push_user(MessageParts& said, bool& marked) {
  if (said.empty()) return;
  chat::Message message{.role = Role::User, .content = {}};
  said.move_into(message);
  talk_.messages.push_back(std::move(message));
  if (std::exchange(marked, false)) mark();
}

Result<void> RequestReader::read_assistant(const Json& content, const std::string& path) {
  MessageParts said("");
  chat::Message out{.role = Role::Assistant, .content = {}};
  bool marked = false;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const std::string here = item(path, i);
    TRY(const Fields block, Fields::of(content[i], here));
    marked = marked || block.has(kIsMarker);
    TRY_VOID(read_assistant_block(block, here, said, out));
  }
  said.move_into(out);
  talk_.messages.push_back(std::move(out));
  if (marked) mark();
  return ok();
}

Result<void> RequestReader::read_assistant_block(const Fields& block, const std::string& path,
                                                 MessageParts& said, chat::Message& out) {
  TRY(const std::string type, block.text("type"));
  if (type == "text") {
    if (!out.tool_calls.empty()) out_.lost.add(path, "its place behind a tool call");
    return read_part(block, path, said);
  }
  if (type == "tool_use") return read_tool_use(block, out);
  if (type == "thinking") {
    TRY(const std::string thinking, block.text("thinking"));
    out.reasoning += thinking;
    TRY(const std::string signature, block.text_or("signature", ""));
    if (!signature.empty()) out_.lost.add(path + ".signature", "is not kept");
    return ok();
  }
  const bool is_foreign =
      type == "redacted_thinking" || type == "server_tool_use" || type.ends_with("_tool_result");
  if (!is_foreign) return unknown_block(block, type, "text, thinking and tool_use are");
  out_.lost.add(path, "a block of type " + type.substr(0, kNameBytesMax) + " is left out");
  return ok();
}

Result<void> RequestReader::read_tool_use(const Fields& block, chat::Message& out) {
  if (out.tool_calls.size() == chat::kToolsMax)
    return block.wrong("type", "at most " + std::to_string(chat::kToolsMax) +
                                   " tool calls are allowed in one message");
  chat::ToolCall call;
  TRY(call.id, read_call_id(block, "id"));
  TRY(call.name, read_function_name(block));
  const Json* input = block.find("input");
  if (!input || !input->is_object()) return block.wrong("input", "an object is required");
  call.arguments = chat::json_text(*input);
  call_ids_.insert(call.id);
  out.tool_calls.push_back(std::move(call));
  return ok();
}

Result<void> RequestReader::read_tool_result(const Fields& block, const std::string& path) {
  chat::Message out{.role = Role::Tool, .content = {}};
  TRY(out.tool_call_id, read_call_id(block, "tool_use_id"));
  if (!call_ids_.contains(out.tool_call_id))
    return block.wrong("tool_use_id", "no earlier message holds a tool_use with this id");
  TRY(out.is_error, block.flag_or("is_error", false));
  const Json* content = block.find("content");
  MessageParts said("\n");
  if (content && content->is_string()) {
    said.add_text(content->get<std::string>());
  } else if (content && content->is_array()) {
    TRY_VOID(check_count(*content, path + ".content"));
    for (std::size_t i = 0; i < content->size(); ++i) {
      const std::string here = item(path + ".content", i);
      std::string type;
      TRY(const Fields part, block_of((*content)[i], here, type));
      if (type != "text" && type != "image") return unknown_block(part, type, "text and image are");
      TRY_VOID(read_part(part, here, said));
    }
  } else if (content) {
    return block.wrong("content", "a string or an array of blocks is required");
  }
  said.move_into(out);
  talk_.messages.push_back(std::move(out));
  return ok();
}

/// A block of text or an image.
Result<void> RequestReader::read_part(const Fields& block, const std::string& path,
                                      MessageParts& said) {
  if (block.has("citations")) out_.lost.add(path + ".citations", "are not kept");
  TRY(const std::string type, block.text("type"));
  if (type == "image") {
    TRY(chat::Image image, read_image(block));
    return said.add_image(std::move(image), path + ".source");
  }
  TRY(const std::string text, block.text("text"));
  said.add_text(text);
  return ok();
}

Result<chat::Image> RequestReader::read_image(const Fields& block) {
  if (!block.has("source")) return block.wrong("source", "is required");
  TRY(const Fields source, Fields::of(*block.find("source"), block.path("source")));
  TRY(const std::string type, source.text("type"));
  chat::Image image;
  if (type == "url") {
    TRY(image.url, source.text("url"));
    return image;
  }
  if (type != "base64") return source.wrong("type", "must be base64 or url");
  TRY(image.media_type, source.text("media_type"));
  TRY(image.data, source.text("data"));
  return image;
}

/// A marker of the cache behind what was read so far.
void RequestReader::mark() {
  auto& marks = out_.what.cache_behind;
  const auto behind = static_cast<std::uint32_t>(talk_.messages.size());
  if (marks.empty() || marks.back() != behind) marks.push_back(behind);
}

Result<void> RequestReader::check_marks(const Fields& fields) {
  if (out_.what.cache_behind.size() <= kCacheMarksMax) return ok();
  return fields.wrong(kIsMarker,
                      "at most " + std::to_string(kCacheMarksMax) + " blocks may have one");
}

}  // namespace

Result<Carried<Ask>> read_request(const Json& body, Endpoint endpoint) {
  return RequestReader().read(body, endpoint);
}

}  // namespace hearth::dialect::anthropic
