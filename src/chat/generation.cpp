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

}  // namespace hearth::chat
