#include "base/fields.h"
#include "engine/wire/readers.h"
#include "engine/wire/request_wire.h"

namespace hearth::engine::wire {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kToolCallsMax = 128;  // of one message
constexpr std::size_t kNameBytesMax = 64;   // of a tool; as OpenAI's API has it
constexpr std::int64_t kU32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kI32Max = std::numeric_limits<std::int32_t>::max();

// ---- writing ----------------------------------------------------------------------------------

json tool_call_body(const chat::ToolCall& call) {
  return {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
}

json message_body(const chat::Message& message) {
  json body{{"role", static_cast<int>(message.role)}, {"content", message.content}};
  if (!message.reasoning.empty()) body["reasoning"] = message.reasoning;
  if (!message.tool_call_id.empty()) body["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) body["name"] = message.name;
  for (const auto& call : message.tool_calls) body["tool_calls"].push_back(tool_call_body(call));
  return body;
}

json tool_body(const chat::Tool& tool) {
  json body{
      {"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}};
  if (!tool.outline.empty()) body["outline"] = tool.outline;
  return body;
}

json prompt_body(const chat::Conversation& prompt) {
  json messages = json::array(), tools = json::array();
  for (const auto& message : prompt.messages) messages.push_back(message_body(message));
  for (const auto& tool : prompt.tools) tools.push_back(tool_body(tool));
  json body{{"messages", std::move(messages)},
            {"tools", std::move(tools)},
            {"tool_choice", static_cast<int>(prompt.tool_choice.mode)},
            {"tool_name", prompt.tool_choice.name},
            {"parallel_tool_calls", prompt.parallel_tool_calls}};
  if (prompt.seen.messages > 0)
    body["seen"] = {{"tokens", prompt.seen.tokens}, {"messages", prompt.seen.messages}};
  if (!prompt.tail.empty()) body["tail"] = prompt.tail;
  return body;
}
json prompt_body(const chat::PlainText& prompt) { return {{"text", prompt.text}}; }
json prompt_body(const chat::PlainTokens& prompt) { return {{"tokens", prompt.tokens}}; }

json sampling_body(const chat::Sampling& sampling) {
  json bias = json::array();
  for (const auto& [token, value] : sampling.logit_bias)
    bias.push_back({{"token", token}, {"bias", value}});
  json body{{"temperature", sampling.temperature},
            {"top_k", sampling.top_k},
            {"top_p", sampling.top_p},
            {"min_p", sampling.min_p},
            {"typical_p", sampling.typical_p},
            {"repeat_penalty", sampling.repeat_penalty},
            {"repeat_last_n", sampling.repeat_last_n},
            {"presence_penalty", sampling.presence_penalty},
            {"frequency_penalty", sampling.frequency_penalty},
            {"logit_bias", std::move(bias)}};
  if (sampling.seed) body["seed"] = *sampling.seed;
  return body;
}

bool is_default(const chat::Cache& cache) {
  return cache.key.empty() && !cache.persist && !cache.pin && !cache.before_seed &&
         !cache.border_messages;
}

json cache_body(const chat::Cache& cache) {
  json body{{"persist", cache.persist}, {"pin", cache.pin}, {"before_seed", cache.before_seed}};
  if (!cache.key.empty()) body["key"] = cache.key;
  if (cache.border_messages) body["border"] = *cache.border_messages;
  return body;
}

// ---- reading ----------------------------------------------------------------------------------

Result<std::string> read_tool_name(const Fields& fields, std::string_view name) {
  TRY(auto text, read_text(fields, name, kNameBytesMax));
  const bool good = !text.empty() && text.find_first_not_of(
                                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_-") == std::string::npos;
  if (!good)
    return fields.wrong(name, "1 to 64 of the characters a-z, A-Z, 0-9, _ and - are required");
  return text;
}

Result<chat::ToolCall> read_tool_call(const Fields& fields) {
  chat::ToolCall call;
  TRY(call.id, read_text(fields, "id"));
  TRY(call.name, read_tool_name(fields, "name"));
  TRY(call.arguments, read_text(fields, "arguments"));
  return call;
}

Result<std::vector<chat::ToolCall>> read_tool_calls(const Fields& message) {
  std::vector<chat::ToolCall> calls;
  TRY(const json* array, message.array("tool_calls", kToolCallsMax));
  for (std::size_t i = 0; array && i < array->size(); ++i) {
    TRY(const auto fields, Fields::of((*array)[i], item_path(message.path("tool_calls"), i)));
    TRY(auto call, read_tool_call(fields));
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<chat::Message> read_message(const Fields& fields) {
  chat::Message message;
  TRY(message.role, read_enum<chat::Role>(fields, "role", 4));
  TRY(message.content, read_text(fields, "content"));
  TRY(message.reasoning, read_text_or_empty(fields, "reasoning"));
  TRY(message.tool_calls, read_tool_calls(fields));
  TRY(message.tool_call_id, read_text_or_empty(fields, "tool_call_id"));
  TRY(message.name, read_text_or_empty(fields, "name"));
  if (!message.tool_calls.empty() && message.role != chat::Role::Assistant)
    return fields.wrong("tool_calls", "only an assistant's message may have them");
  if (!message.tool_call_id.empty() && message.role != chat::Role::Tool)
    return fields.wrong("tool_call_id", "only a tool's message may have it");
  return message;
}

Result<chat::Tool> read_tool(const Fields& fields) {
  chat::Tool tool;
  TRY(tool.name, read_tool_name(fields, "name"));
  TRY(tool.description, read_text(fields, "description"));
  TRY(tool.parameters, read_text(fields, "parameters", chat::kSchemaBytesMax));
  TRY(tool.outline, read_text_or_empty(fields, "outline", chat::kSchemaBytesMax));
  return tool;
}

Result<chat::ToolChoice> read_tool_choice(const Fields& fields,
                                          const std::vector<chat::Tool>& tools) {
  using Mode = chat::ToolChoice::Mode;
  chat::ToolChoice choice;
  TRY(choice.mode, read_enum<Mode>(fields, "tool_choice", 4));
  TRY(choice.name, read_text(fields, "tool_name", kNameBytesMax));
  const bool needs_tools = choice.mode == Mode::Required || choice.mode == Mode::Named;
  if (needs_tools && tools.empty()) return fields.wrong("tools", "tool_choice requires a tool");
  bool known = choice.mode != Mode::Named;
  for (const auto& tool : tools) known = known || tool.name == choice.name;
  if (!known) return fields.wrong("tool_name", "is not one of the tools");
  return choice;
}

Result<chat::Seen> read_seen(const Fields& conversation,
                             const std::vector<chat::Message>& messages) {
  chat::Seen seen;
  if (!conversation.has("seen")) return seen;
  TRY(const auto fields, read_object(conversation, "seen"));
  TRY(seen.tokens, read_tokens(fields, "tokens"));
  TRY(seen.messages, read_u32(fields, "messages", 1, static_cast<std::uint32_t>(messages.size())));
  if (messages[seen.messages - 1].role != chat::Role::Assistant)
    return fields.wrong("messages", "the last of these must be an assistant's");
  return seen;
}

Result<chat::Prompt> read_conversation(const Fields& fields) {
  chat::Conversation prompt;
  TRY(const json* messages, read_array(fields, "messages", chat::kMessagesMax));
  if (messages->empty()) return fields.wrong("messages", "at least one message is required");
  for (std::size_t i = 0; i < messages->size(); ++i) {
    TRY(const auto item, Fields::of((*messages)[i], item_path(fields.path("messages"), i)));
    TRY(auto message, read_message(item));
    prompt.messages.push_back(std::move(message));
  }
  TRY(const json* tools, read_array(fields, "tools", chat::kToolsMax));
  for (std::size_t i = 0; i < tools->size(); ++i) {
    TRY(const auto item, Fields::of((*tools)[i], item_path(fields.path("tools"), i)));
    TRY(auto tool, read_tool(item));
    prompt.tools.push_back(std::move(tool));
  }
  TRY(prompt.tool_choice, read_tool_choice(fields, prompt.tools));
  TRY(prompt.parallel_tool_calls, read_flag(fields, "parallel_tool_calls"));
  TRY(prompt.seen, read_seen(fields, prompt.messages));
  TRY(prompt.tail, read_text_or_empty(fields, "tail"));
  return chat::Prompt(std::move(prompt));
}

Result<chat::Prompt> read_prompt(const Fields& fields) {
  if (fields.has("text")) {
    TRY(auto text, read_text(fields, "text"));
    return chat::Prompt(chat::PlainText{std::move(text)});
  }
  if (fields.has("tokens")) {
    TRY(auto tokens, read_tokens(fields, "tokens"));
    return chat::Prompt(chat::PlainTokens{std::move(tokens)});
  }
  return read_conversation(fields);
}

Result<std::vector<std::pair<chat::Token, float>>> read_logit_bias(const Fields& sampling) {
  std::vector<std::pair<chat::Token, float>> bias;
  TRY(const json* array, read_array(sampling, "logit_bias", chat::kLogitBiasMax));
  for (const json& item : *array) {
    TRY(const auto fields, Fields::of(item, item_path(sampling.path("logit_bias"), bias.size())));
    TRY(const auto token, read_whole(fields, "token", {0, kI32Max}));
    TRY(const float value, read_float(fields, "bias", {-100, 100}));
    bias.emplace_back(static_cast<chat::Token>(token), value);
  }
  return bias;
}

Result<chat::Sampling> read_sampling(const Fields& fields) {
  chat::Sampling sampling;
  TRY(sampling.temperature, read_float(fields, "temperature", {0, 2}));
  TRY(const auto top_k, read_whole(fields, "top_k", {0, kI32Max}));
  TRY(sampling.top_p, read_float_above(fields, "top_p", {0, 1}));
  TRY(sampling.min_p, read_float(fields, "min_p", {0, 1}));
  TRY(sampling.typical_p, read_float_above(fields, "typical_p", {0, 1}));
  TRY(sampling.repeat_penalty, read_float_above(fields, "repeat_penalty", {0, 2}));
  TRY(const auto repeat_last_n, read_whole(fields, "repeat_last_n", {-1, kI32Max}));
  TRY(sampling.presence_penalty, read_float(fields, "presence_penalty", {-2, 2}));
  TRY(sampling.frequency_penalty, read_float(fields, "frequency_penalty", {-2, 2}));
  TRY(const auto seed, fields.whole("seed", {0, kU32Max}));
  TRY(sampling.logit_bias, read_logit_bias(fields));
  sampling.top_k = static_cast<std::int32_t>(top_k);
  sampling.repeat_last_n = static_cast<std::int32_t>(repeat_last_n);
  if (seed) sampling.seed = static_cast<std::uint32_t>(*seed);
  return sampling;
}

Result<chat::OutputFormat> read_format(const Fields& fields) {
  using Kind = chat::OutputFormat::Kind;
  chat::OutputFormat format;
  TRY(format.kind, read_enum<Kind>(fields, "kind", 4));
  const bool grammar = format.kind == Kind::Grammar;
  TRY(format.source,
      read_text(fields, "source", grammar ? chat::kGrammarBytesMax : chat::kSchemaBytesMax));
  return format;
}

Result<std::vector<std::string>> read_stop(const Fields& request) {
  std::vector<std::string> stop;
  TRY(const json* array, read_array(request, "stop", chat::kStopMax));
  for (const json& item : *array) {
    TRY(auto text,
        read_text_item(item, item_path(request.path("stop"), stop.size()), 1, chat::kStopBytesMax));
    stop.push_back(std::move(text));
  }
  return stop;
}

Result<chat::Cache> read_cache(const Fields& request, const chat::Prompt& prompt) {
  chat::Cache cache;
  if (!request.has("cache")) return cache;
  TRY(const auto fields, read_object(request, "cache"));
  TRY(cache.key, read_text_or_empty(fields, "key", chat::kCacheKeyBytesMax));
  if (fields.has("key") && cache.key.empty()) return fields.wrong("key", "must not be empty");
  TRY(cache.persist, read_flag(fields, "persist"));
  TRY(cache.pin, read_flag(fields, "pin"));
  TRY(cache.before_seed, read_flag(fields, "before_seed"));
  if (!fields.has("border")) return cache;
  const auto* talk = std::get_if<chat::Conversation>(&prompt);
  if (!talk) return fields.wrong("border", "only a conversation may have it");
  TRY(cache.border_messages,
      read_u32(fields, "border", 1, static_cast<std::uint32_t>(talk->messages.size())));
  return cache;
}

}  // namespace

json chat_request_body(const chat::Request& request) {
  json body{{"prompt", std::visit([](const auto& it) { return prompt_body(it); }, request.prompt)},
            {"sampling", sampling_body(request.sampling)},
            {"format",
             {{"kind", static_cast<int>(request.format.kind)}, {"source", request.format.source}}},
            {"stop", request.stop},
            {"cache_prompt", request.cache_prompt},
            {"ignore_eos", request.ignore_eos},
            {"deterministic", request.deterministic},
            {"lookup", request.lookup},
            {"forced_tokens", request.forced_tokens},
            {"trace", request.trace}};
  if (!is_default(request.cache)) body["cache"] = cache_body(request.cache);
  if (request.tokens_max) body["tokens_max"] = *request.tokens_max;
  if (request.top_logprobs) body["top_logprobs"] = *request.top_logprobs;
  if (request.account != 0) body["account"] = request.account;
  if (request.day) body["day"] = *request.day;
  return body;
}

Result<chat::Request> read_chat_request(const Fields& fields) {
  chat::Request request;
  TRY(const auto prompt, read_object(fields, "prompt"));
  TRY(const auto sampling, read_object(fields, "sampling"));
  TRY(const auto format, read_object(fields, "format"));
  TRY(request.prompt, read_prompt(prompt));
  TRY(request.sampling, read_sampling(sampling));
  TRY(request.format, read_format(format));
  TRY(request.stop, read_stop(fields));
  TRY(const auto tokens_max, fields.whole("tokens_max", {0, kU32Max}));
  TRY(const auto top_logprobs, fields.whole("top_logprobs", {0, chat::kTopLogprobsMax}));
  TRY(request.cache_prompt, read_flag(fields, "cache_prompt"));
  TRY(request.ignore_eos, read_flag(fields, "ignore_eos"));
  TRY(request.deterministic, read_flag(fields, "deterministic"));
  TRY(request.cache, read_cache(fields, request.prompt));
  TRY(request.lookup, read_flag(fields, "lookup"));
  TRY(request.forced_tokens, read_flag(fields, "forced_tokens"));
  TRY(request.trace, read_flag(fields, "trace"));
  if (fields.has("account")) {
    TRY(request.account, read_u64(fields, "account"));
  }
  TRY(request.day, fields.whole("day", {0, chat::kDayMax}));
  if (tokens_max) request.tokens_max = static_cast<std::uint32_t>(*tokens_max);
  if (top_logprobs) request.top_logprobs = static_cast<std::uint32_t>(*top_logprobs);
  return request;
}

}  // namespace hearth::engine::wire
