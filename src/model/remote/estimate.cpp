#include "model/remote.h"

namespace hearth::model {
namespace {

constexpr std::uint64_t kRequestTokens = 64;   // what a provider puts around a conversation
constexpr std::uint64_t kMessageTokens = 16;   // ... and around each message
constexpr std::uint64_t kToolsTokens = 1'024;  // its instructions for tools, where there are any
constexpr std::uint64_t kToolTokens = 32;
constexpr std::uint64_t kBytesPerToken = 4;
constexpr std::uint64_t kBytesPerTokenSaid = 3;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || c == ' '; }

/// Small letters come at least two in a token, whatever they are; all else may be one each, and a
/// byte is never more than one.
std::uint64_t at_most(std::string_view text) {
  std::uint64_t letters = 0;
  for (const char c : text) letters += is_letter(c) ? 1 : 0;
  return (letters + 1) / 2 + (text.size() - letters);
}

std::uint64_t at_most(const chat::Message& message) {
  std::uint64_t sum = kMessageTokens + at_most(message.content) + at_most(message.reasoning) +
                      at_most(message.name);
  for (const chat::ToolCall& call : message.tool_calls)
    sum += kToolTokens + at_most(call.name) + at_most(call.arguments);
  return sum;
}

}  // namespace

std::uint64_t tokens_at_most(const chat::Request& request, std::uint64_t image_tokens) {
  const auto& talk = std::get<chat::Conversation>(request.prompt);
  std::uint64_t sum = kRequestTokens + at_most(talk.tail) + at_most(request.format.source);
  for (const std::string& stop : request.stop) sum += at_most(stop);
  for (const chat::Message& message : talk.messages)
    sum += at_most(message) + message.images.size() * image_tokens;
  if (!talk.tools.empty()) sum += kToolsTokens;
  for (const chat::Tool& tool : talk.tools)
    sum += kToolTokens + at_most(tool.name) + at_most(tool.description) + at_most(tool.parameters);
  return sum;
}

std::uint64_t bytes_said(const chat::Delta& delta) {
  std::uint64_t sum = delta.content.size() + delta.reasoning.size();
  for (const auto& call : delta.tool_calls) sum += call.name.size() + call.arguments.size();
  return sum;
}

std::uint64_t tokens_said(std::uint64_t bytes) {
  return (bytes + kBytesPerTokenSaid - 1) / kBytesPerTokenSaid;
}

std::uint64_t tokens_usually(std::string_view text) {
  return (text.size() + kBytesPerToken - 1) / kBytesPerToken;
}

}  // namespace hearth::model
