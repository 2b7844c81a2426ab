#include "context/summary.h"

#include <algorithm>

#include "base/utf8.h"

namespace hearth::context {
namespace {

constexpr const char* kTask =
    "You write the memory of a conversation. Say in at most 150 words what somebody who goes on "
    "with it must know: facts, names, numbers, decisions, what was done to which file, and what is "
    "still open. No greeting, no comment.";
constexpr std::size_t kResultBytesMax = 400;  // of what one tool said
constexpr std::size_t kBytesAToken = 3;

std::string shortened(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  const std::string_view all = text;
  const std::size_t head = utf8_complete_bytes(all.substr(0, bytes_max / 2));
  std::size_t rest = text.size() - bytes_max / 2;
  while (rest < text.size() && (static_cast<unsigned char>(text[rest]) & 0xC0) == 0x80) ++rest;
  return text.substr(0, head) + " […] " + text.substr(rest);
}

std::string line_of(const store::Entry& entry) {
  const chat::Message& message = entry.message;
  if (message.role == chat::Role::Tool)
    return "Tool " + message.name + ": " + shortened(message.content, kResultBytesMax);
  std::string line = message.role == chat::Role::User ? "User: " : "Assistant: ";
  line += message.content;
  for (const chat::ToolCall& call : message.tool_calls)
    line += " [calls " + call.name + " " + shortened(call.arguments, kResultBytesMax) + "]";
  return line;
}

}  // namespace

chat::Request summary_request(const std::vector<store::Entry>& entries,
                              const std::optional<store::Summary>& earlier,
                              std::uint32_t context_tokens) {
  std::string text = earlier ? "Before: " + earlier->text + "\n" : "";
  for (const store::Entry& entry : entries)
    if (entry.message.role != chat::Role::System) text += line_of(entry) + "\n";
  const std::size_t tokens =
      std::max(context_tokens, 3 * kSummaryTokensMax) - 2 * kSummaryTokensMax;
  text = shortened(text, tokens * kBytesAToken);
  chat::Request request{
      .prompt = chat::Conversation{
          .messages = {{.role = chat::Role::System, .content = kTask},
                       {.content = text + "\nThe memory of this conversation:"}}}};
  request.sampling.temperature = 0;
  request.tokens_max = kSummaryTokensMax;
  return request;
}

std::optional<std::string> summary_in(const chat::Message& answer) {
  const auto begin = answer.content.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return std::nullopt;
  const auto end = answer.content.find_last_not_of(" \t\r\n");
  std::string text = answer.content.substr(begin, end + 1 - begin);
  if (text.size() < kSummaryBytesMin) return std::nullopt;
  return shortened(text, store::Summaries::kTextBytesMax - 16);
}

std::string archive_line(std::size_t messages, const std::optional<store::Summary>& earlier) {
  const std::string line = std::to_string(messages) + " older messages are in the archive";
  if (!earlier || earlier->model.empty()) return line;
  return shortened(earlier->text, store::Summaries::kTextBytesMax - line.size() - 16) + " " + line;
}

std::string compaction_note(const store::Summary& summary) {
  return std::string(summary.model.empty() ? "older messages went to the archive"
                                           : "older messages were summarised") +
         " to make room: " + std::to_string(summary.before_tokens) + " -> " +
         std::to_string(summary.after_tokens) +
         " tokens; `hearth sessions search` still finds them";
}

}  // namespace hearth::context
