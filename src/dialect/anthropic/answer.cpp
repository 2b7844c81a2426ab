#include "dialect/anthropic/answer.h"

#include <algorithm>

#include "chat/message_json.h"
#include "dialect/anthropic.h"
#include "dialect/parts/answered.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::anthropic {
namespace {

using chat::FinishReason;

/// Answers of more than the bounds are refused, as those in a stream are.
Result<void> take_block(const Json& block, Answer& out, Lost& lost, std::size_t index) {
  const std::string type = text_at(block, "type");
  const std::string path = item("content", index);
  chat::Message& message = out.message;
  if (!at(block, "citations").is_null()) lost.add(path + ".citations", "are not kept");
  if (type == "text") {
    message.content += text_at(block, "text");
  } else if (type == "thinking") {
    message.reasoning += text_at(block, "thinking");
    if (!text_at(block, "signature").empty()) lost.add(path + ".signature", "is not kept");
  } else if (type == "tool_use") {
    const Json& input = at(block, "input");
    message.tool_calls.push_back({text_at(block, "id"), text_at(block, "name"),
                                  input.is_object() ? chat::json_text(input) : "{}"});
  } else {
    lost.add(path, "a block of type " + type + " is left out");
  }
  if (message.tool_calls.size() <= chat::kToolsMax) return ok();
  return Error{Code::Unavailable, "the provider's answer has too many tool calls", {}};
}

}  // namespace

Json stop_reason_of(const chat::Finished& finished) {
  if (is_declined(finished)) return "refusal";
  switch (finished.reason) {
    case FinishReason::Length: return "max_tokens";
    case FinishReason::ToolCalls: return "tool_use";
    case FinishReason::Stop:
    case FinishReason::RequiresAction: break;
  }
  return finished.stop_string.empty() ? "end_turn" : "stop_sequence";
}

Json stop_sequence_of(const chat::Finished& finished) {
  const bool is_named = stop_reason_of(finished) == "stop_sequence";
  return is_named ? Json(finished.stop_string) : Json(nullptr);
}

void take_stop(const Json& from, chat::Finished& finished, Lost& lost) {
  const std::string reason = text_at(from, "stop_reason");
  if (reason == "max_tokens" || reason == "model_context_window_exceeded")
    finished.reason = FinishReason::Length;
  else if (reason == "tool_use")
    finished.reason = FinishReason::ToolCalls;
  else if (reason == "refusal")
    finished.notes.emplace_back(kDeclinedNote);
  else if (reason == "stop_sequence")
    finished.stop_string = text_at(from, "stop_sequence");
  else if (!reason.empty() && reason != "end_turn")
    lost.add("stop_reason", reason + " reads as a stop");
}

Json usage_json(const chat::Usage& usage) {
  const std::uint32_t cached = usage.cached_tokens + usage.cache_written_tokens;
  return {{"input_tokens", usage.prompt_tokens - std::min(usage.prompt_tokens, cached)},
          {"cache_creation_input_tokens", usage.cache_written_tokens},
          {"cache_read_input_tokens", usage.cached_tokens},
          {"output_tokens", usage.completion_tokens}};
}

/// There, input_tokens are those that no cache had to do with.
void take_usage(const Json& from, chat::Usage& usage) {
  if (!from.is_object()) return;
  const std::uint32_t before =
      usage.prompt_tokens - usage.cached_tokens - usage.cache_written_tokens;
  const std::uint32_t fresh =
      at(from, "input_tokens").is_number() ? count_at(from, "input_tokens") : before;
  usage.cached_tokens = std::max(usage.cached_tokens, count_at(from, "cache_read_input_tokens"));
  usage.cache_written_tokens =
      std::max(usage.cache_written_tokens, count_at(from, "cache_creation_input_tokens"));
  usage.prompt_tokens = fresh + usage.cached_tokens + usage.cache_written_tokens;
  usage.completion_tokens = std::max(usage.completion_tokens, count_at(from, "output_tokens"));
}

Result<Carried<Answer>> read_answer(const Json& body) {
  const Json& content = at(body, "content");
  if (text_at(body, "type") == "error") return read_error(0, chat::json_text(body));
  if (!content.is_array() || content.size() > kBlocksMax)
    return Error{Code::Unavailable, "the provider's answer has no content that can be read", {}};
  Carried<Answer> out;
  out.what.id = text_at(body, "id");
  out.what.model = text_at(body, "model");
  for (std::size_t i = 0; i < content.size(); ++i)
    TRY_VOID(take_block(content[i], out.what, out.lost, i));
  take_stop(body, out.what.finished, out.lost);
  take_usage(at(body, "usage"), out.what.finished.usage);
  settle(out.what);
  return out;
}

Carried<Json> write_answer(const Answer& answer, Thinking thinking) {
  Carried<Json> out;
  Json content = Json::array();
  const chat::Message& message = answer.message;
  if (!message.reasoning.empty() && thinking == Thinking::Shown)
    content.push_back({{"type", "thinking"}, {"thinking", message.reasoning}, {"signature", ""}});
  if (!message.reasoning.empty() && thinking == Thinking::Dropped)
    out.lost.add("reasoning", "is not shown");
  if (!message.content.empty()) content.push_back({{"type", "text"}, {"text", message.content}});
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    const chat::ToolCall& call = message.tool_calls[i];
    content.push_back({{"type", "tool_use"},
                       {"id", plain_call_id(call.id)},
                       {"name", call.name},
                       {"input", arguments_of(call, item("tool_calls", i), out.lost)}});
  }
  lose_questions(answer.finished, out.lost);
  out.what = {{"id", answer.id},
              {"type", "message"},
              {"role", "assistant"},
              {"model", answer.model},
              {"content", std::move(content)},
              {"stop_reason", stop_reason_of(answer.finished)},
              {"stop_sequence", stop_sequence_of(answer.finished)},
              {"usage", usage_json(answer.finished.usage)}};
  return out;
}

Json write_count(std::uint32_t tokens) { return {{"input_tokens", tokens}}; }

}  // namespace hearth::dialect::anthropic
