#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::chat {

enum class Role : std::uint8_t { System, User, Assistant, Tool };

/// "system", "user", "assistant", "tool".
const char* role_name(Role role);

/// The model asks for a tool to be run.
struct ToolCall {
  std::string id;         // unique within the conversation, e.g. "call_…"
  std::string name;       // [a-zA-Z0-9_-]{1,64}
  std::string arguments;  // JSON text as the model wrote it; an object when it came from a grammar
};

/// One thing that was said.
struct Message {
  Role role = Role::User;
  std::string content;      // UTF-8; may be empty for an assistant that only calls tools
  std::string reasoning{};  // an assistant's thoughts, where the model's template separates them
  std::vector<ToolCall> tool_calls{};  // assistant only
  std::string tool_call_id{};          // tool only: which call this answers
  std::string name{};                  // optional name of the speaker or tool
};

/// A tool that the model may call.
struct Tool {
  std::string name;  // [a-zA-Z0-9_-]{1,64}
  std::string description;
  std::string parameters;  // JSON Schema of an object, as JSON text; "{}" for none
  /// What the model is shown in place of `parameters`, which still constrain its calls; empty:
  /// those.
  std::string outline{};
};

/// Exact token counts of one generation.
struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;  // of prompt_tokens: taken from the KV cache, not computed
  std::uint32_t completion_tokens = 0;
};

}  // namespace hearth::chat
