#include "api/run/answer_check.h"

#include "tools/schema.h"

namespace hearth::api {
namespace {

/// Compiled anew for each answer: those that need it are few, and a schema is small.
void check(const std::string& schema, const std::string& text, std::string_view place,
           std::vector<std::string>& faults) {
  const auto made = tools::Schema::make(schema);
  if (!made.ok()) return;
  const auto read = made.value().read(text, place);
  if (!read.ok()) faults.push_back(read.error().message);
}

}  // namespace

AnswerCheck::AnswerCheck(const chat::Request& request) {
  if (request.format.kind == chat::OutputFormat::Kind::JsonSchema) format_ = request.format.source;
  const auto* conversation = std::get_if<chat::Conversation>(&request.prompt);
  if (!conversation) {
    text_place_ = "text";
    return;
  }
  for (const chat::Tool& tool : conversation->tools) tools_.emplace(tool.name, tool.parameters);
}

std::vector<std::string> AnswerCheck::violations(const chat::Message& message) const {
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    const chat::ToolCall& call = message.tool_calls[i];
    const auto found = tools_.find(call.name);
    if (found == tools_.end()) continue;
    check(found->second, call.arguments,
          "message.tool_calls[" + std::to_string(i) + "].function.arguments", faults);
  }
  if (format_ && message.tool_calls.empty()) check(*format_, message.content, text_place_, faults);
  return faults;
}

}  // namespace hearth::api
