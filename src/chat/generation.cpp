#include "chat/generation.h"

namespace hearth::chat {

const char* finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::Stop: return "stop";
    case FinishReason::Length: return "length";
    case FinishReason::ToolCalls: return "tool_calls";
    case FinishReason::RequiresAction: return "requires_action";
  }
  return "stop";
}

bool absorb(Message& message, const Delta& delta) {
  message.content += delta.content;
  message.reasoning += delta.reasoning;
  for (const ToolCallDelta& piece : delta.tool_calls) {
    auto& calls = message.tool_calls;
    if (piece.index > calls.size()) return false;
    if (piece.index == calls.size()) calls.emplace_back();
    ToolCall& call = calls[piece.index];
    call.id += piece.id;
    call.name += piece.name;
    call.arguments += piece.arguments;
  }
  return true;
}

}  // namespace hearth::chat
