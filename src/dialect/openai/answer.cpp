#include "dialect/openai/answer.h"

#include <algorithm>

#include "chat/message_json.h"
#include "dialect/openai.h"
#include "dialect/parts/answered.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::openai {
namespace {

using chat::FinishReason;

/// Some servers send an array of parts where others send a string.
std::string content_of(const Json& message) {
  const Json& content = at(message, "content");
  if (!content.is_array()) return text_at(message, "content");
  std::string text;
  for (const Json& part : content) text += text_at(part, "text");
  return text;
}

Result<void> take_calls(const Json& message, const std::string& id_base, chat::Message& out) {
  const Json& calls = at(message, "tool_calls");
  if (!calls.is_array()) return ok();
  if (calls.size() > chat::kToolsMax)
    return Error{Code::Unavailable, "the provider's answer has too many tool calls", {}};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Json& function = at(calls[i], "function");
    std::string id = text_at(calls[i], "id");
    if (id.empty()) id = id_base + "_" + std::to_string(i);
    out.tool_calls.push_back({std::move(id), text_at(function, "name"), arguments_text(function)});
  }
  return ok();
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

void take_finish_reason(const std::string& reason, chat::Finished& finished, Lost& lost) {
  if (reason == "length")
    finished.reason = FinishReason::Length;
  else if (reason == "tool_calls")
    finished.reason = FinishReason::ToolCalls;
  else if (reason == "content_filter")
    finished.notes.emplace_back(kDeclinedNote);
  else if (!reason.empty() && reason != "stop")
    lost.add("finish_reason", reason + " reads as a stop");
}

void take_usage(const Json& body, chat::Usage& usage) {
  const Json& groq = at(at(body, "x_groq"), "usage");
  const Json& from = at(body, "usage").is_object() ? at(body, "usage") : groq;
  if (!from.is_object()) return;
  usage.prompt_tokens = count_at(from, "prompt_tokens");
  usage.completion_tokens = count_at(from, "completion_tokens");
  const std::uint32_t cached =
      std::max(count_at(at(from, "prompt_tokens_details"), "cached_tokens"),
               count_at(from, "prompt_cache_hit_tokens"));
  usage.cached_tokens = std::min(cached, usage.prompt_tokens);
}

std::string reasoning_of(const Json& message) {
  const std::string text = text_at(message, "reasoning_content");
  return text.empty() ? text_at(message, "reasoning") : text;
}

std::string arguments_text(const Json& function) {
  const Json& arguments = at(function, "arguments");
  return arguments.is_object() ? chat::json_text(arguments) : text_at(function, "arguments");
}

void lose_extras(const Json& message, Lost& lost) {
  for (const char* name : {"audio", "annotations", "function_call", "images"}) {
    const Json& extra = at(message, name);
    if (!extra.is_null() && !extra.empty()) lost.add(name, "is not kept");
  }
}

const Json& error_in(const Json& body) {
  // Gemini's door for this dialect sends it in an array.
  const Json& outer = body.is_array() ? first_of(body) : body;
  return at(outer, "error");
}

Error error_of(int status, const Json& error) {
  const Json& code = at(error, "code");
  // Inside a stream OpenRouter says the status as the code.
  const bool is_status =
      status == 0 && code.is_number_unsigned() && count_at(error, "code") < 1'000;
  if (is_status) status = static_cast<int>(count_at(error, "code"));
  const std::string said = error.is_string() ? error.get<std::string>() : text_at(error, "message");
  const std::string word = text_at(error, "code"), type = text_at(error, "type");
  if (status == 0 && type == "rate_limit_error") status = 429;
  if (status == 0 && type == "invalid_request_error") status = 400;
  Error out = provider_error(status, said);
  const bool is_too_long = word == "context_length_exceeded" ||
                           type == "exceed_context_size_error" ||
                           says(said, "maximum context length");
  if (is_too_long) out.code = Code::TooLarge;
  if (word == "insufficient_quota" || type == "insufficient_quota") out.code = Code::Denied;
  return out;
}

Result<Carried<Answer>> read_answer(const Json& body, const std::string& id_base) {
  if (!error_in(body).is_null()) return error_of(0, error_in(body));
  const Json& choice = first_of(at(body, "choices"));
  const Json& message = at(choice, "message");
  if (!message.is_object())
    return Error{Code::Unavailable, "the provider's answer has no message that can be read", {}};
  Carried<Answer> out;
  if (at(body, "choices").size() > 1) out.lost.add("choices", "only the first is kept");
  out.what.id = text_at(body, "id");
  out.what.model = text_at(body, "model");
  out.what.message.content = content_of(message);
  out.what.message.reasoning = reasoning_of(message);
  TRY_VOID(take_calls(message, id_base, out.what.message));
  lose_extras(message, out.lost);
  take_finish_reason(text_at(choice, "finish_reason"), out.what.finished, out.lost);
  const std::string refusal = text_at(message, "refusal");
  out.what.message.content += refusal;
  if (!refusal.empty() && !is_declined(out.what.finished))
    out.what.finished.notes.emplace_back(kDeclinedNote);
  take_usage(body, out.what.finished.usage);
  settle(out.what);
  return out;
}

Error read_error(int status, std::string_view body) {
  const auto json = parse_json(body, "the provider's error");
  if (!json.ok()) return provider_error(status, "");
  const Json& error = error_in(json.value());
  if (!error.is_null()) return error_of(status, error);
  // Mistral's and vLLM's have no envelope; FastAPI's speak of a detail.
  if (at(json.value(), "detail").is_string())
    return provider_error(status, text_at(json.value(), "detail"));
  return error_of(status, json.value());
}

}  // namespace hearth::dialect::openai
