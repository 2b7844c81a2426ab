#include "api/run/choice.h"

#include <algorithm>

namespace hearth::api {
namespace {

void absorb_call(std::vector<chat::ToolCall>& calls, const chat::ToolCallDelta& delta) {
  if (delta.index >= kToolCallsMax) return;
  if (delta.index >= calls.size()) calls.resize(delta.index + 1);
  chat::ToolCall& call = calls[delta.index];
  call.id += delta.id;
  call.name += delta.name;
  call.arguments += delta.arguments;
}

}  // namespace

void absorb(Choice& choice, const chat::Delta& delta) {
  choice.message.content += delta.content;
  choice.message.reasoning += delta.reasoning;
  for (const auto& call : delta.tool_calls) absorb_call(choice.message.tool_calls, call);
  if (choice.logprobs)
    choice.logprobs->insert(choice.logprobs->end(), delta.logprobs.begin(), delta.logprobs.end());
}

std::uint32_t count_characters(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace hearth::api
