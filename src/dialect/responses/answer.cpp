#include "dialect/responses/answer.h"

#include "base/utf8.h"
#include "dialect/parts/answered.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::responses {
namespace {

Json null_if_empty(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json tools_json(const chat::Conversation& talk) {
  Json out = Json::array();
  for (const chat::Tool& tool : talk.tools)
    out.push_back({{"type", "function"},
                   {"name", tool.name},
                   {"description", tool.description},
                   {"parameters", schema_of(tool)},
                   {"strict", false}});
  return out;
}

Json choice_json(const chat::ToolChoice& choice) {
  using Mode = chat::ToolChoice::Mode;
  switch (choice.mode) {
    case Mode::Auto: return "auto";
    case Mode::None: return "none";
    case Mode::Required: return "required";
    case Mode::Named: return {{"type", "function"}, {"name", choice.name}};
  }
  return "auto";
}

Json usage_json(const chat::Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens},
          {"input_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"output_tokens", usage.completion_tokens},
          {"output_tokens_details", {{"reasoning_tokens", 0}}},
          {"total_tokens", std::uint64_t{usage.prompt_tokens} + usage.completion_tokens}};
}

const char* error_code_of(const Error& error) {
  if (error.code == Code::Busy) return "rate_limit_exceeded";
  const bool is_theirs = error.code == Code::InvalidInput || error.code == Code::TooLarge;
  return is_theirs ? "invalid_prompt" : "server_error";
}

}  // namespace

Json response_json(const Header& header, std::string_view status, Json output) {
  const chat::Request& asked = header.ask.request;
  static const chat::Conversation kNone{};
  const auto* const said = std::get_if<chat::Conversation>(&asked.prompt);
  const chat::Conversation& talk = said ? *said : kNone;
  Json out;
  out["id"] = header.id;
  out["object"] = "response";
  out["created_at"] = header.created;
  out["status"] = status;
  out["background"] = header.delivery.background;
  out["error"] = nullptr;
  out["incomplete_details"] = nullptr;
  out["instructions"] = null_if_empty(header.delivery.instructions);
  out["max_output_tokens"] = asked.tokens_max ? Json(*asked.tokens_max) : Json(nullptr);
  out["model"] = header.model;
  out["output"] = std::move(output);
  out["parallel_tool_calls"] = talk.parallel_tool_calls;
  out["previous_response_id"] = null_if_empty(header.delivery.previous_response_id);
  out["reasoning"] = {{"effort", null_if_empty(header.delivery.effort)}, {"summary", nullptr}};
  out["store"] = header.delivery.store;
  out["temperature"] = number_of(asked.sampling.temperature);
  out["text"] = {{"format", header.delivery.format}};
  out["tool_choice"] = choice_json(talk.tool_choice);
  out["tools"] = tools_json(talk);
  out["top_p"] = number_of(asked.sampling.top_p);
  out["truncation"] = "disabled";
  out["usage"] = nullptr;
  out["user"] = nullptr;
  out["metadata"] = header.delivery.metadata;
  return out;
}

const char* status_of(const chat::Finished& finished) {
  const bool is_whole = finished.reason != chat::FinishReason::Length && !is_declined(finished);
  return is_whole ? "completed" : "incomplete";
}

Json finished_json(const Header& header, const chat::Finished& finished, Json output) {
  Json out = response_json(header, status_of(finished), std::move(output));
  out["usage"] = usage_json(finished.usage);
  if (finished.reason == chat::FinishReason::Length)
    out["incomplete_details"] = {{"reason", "max_output_tokens"}};
  else if (is_declined(finished))
    out["incomplete_details"] = {{"reason", "content_filter"}};
  return out;
}

Json message_item(const std::string& id, std::string_view status, Json content) {
  return {{"id", id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

Json text_part(std::string_view text) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", Json::array()},
          {"logprobs", Json::array()}};
}

Json call_item(const std::string& id, std::string_view status, const chat::ToolCall& call) {
  return {{"id", id},           {"type", "function_call"}, {"status", status},
          {"call_id", call.id}, {"name", call.name},       {"arguments", call.arguments}};
}

Json thoughts_item(const std::string& id, std::string_view text) {
  Json summary = Json::array();
  if (!text.empty()) summary.push_back({{"type", "summary_text"}, {"text", text}});
  return {{"id", id}, {"type", "reasoning"}, {"summary", std::move(summary)}};
}

std::string item_id(const char* kind, const Header& header, std::size_t index) {
  constexpr std::string_view kPrefix = "resp_";
  const std::string_view name = header.id;
  const bool has_prefix = name.starts_with(kPrefix);
  return std::string(kind) + "_" + std::string(has_prefix ? name.substr(kPrefix.size()) : name) +
         "_" + std::to_string(index);
}

Carried<Json> write_answer(const Header& header, const Answer& answer) {
  Carried<Json> out;
  const chat::Message& message = answer.message;
  Json items = Json::array();
  const char* const status = status_of(answer.finished);
  if (!message.reasoning.empty())
    items.push_back(thoughts_item(item_id("rs", header, items.size()), message.reasoning));
  if (!message.content.empty() || message.tool_calls.empty())
    items.push_back(message_item(item_id("msg", header, items.size()), status,
                                 Json::array({text_part(message.content)})));
  for (const chat::ToolCall& call : message.tool_calls)
    items.push_back(call_item(item_id("fc", header, items.size()), "completed", call));
  lose_questions(answer.finished, out.lost);
  if (!answer.finished.stop_string.empty())
    out.lost.add("stop_string", "which one ended it cannot be said here");
  out.what = finished_json(header, answer.finished, std::move(items));
  return out;
}

Json write_state(const Header& header, std::string_view status) {
  return response_json(header, status, Json::array());
}

Json write_failed(const Header& header, const Error& error) {
  Json out = response_json(header, "failed", Json::array());
  out["error"] = {{"code", error_code_of(error)}, {"message", to_utf8(error.message)}};
  return out;
}

}  // namespace hearth::dialect::responses
