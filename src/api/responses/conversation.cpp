#include "api/responses/conversation.h"

#include <iterator>
#include <map>
#include <utility>

#include "base/fields.h"
#include "chat/message_json.h"
#include "context/history.h"
#include "model/token_source.h"
#include "vault/secret.h"

namespace hearth::api::responses {
namespace {

/// Names what the prompt begins with, before the conversation.
std::string prefix_id_of(const chat::Conversation& talk, const std::string& instructions,
                         const model::Model& model) {
  Json begins = {model::token_source(model), instructions, static_cast<int>(talk.tool_choice.mode),
                 talk.tool_choice.name, talk.parallel_tool_calls};
  for (const chat::Tool& tool : talk.tools)
    begins.push_back({tool.name, tool.description, tool.parameters});
  return "responses/" + vault::sha256_hex(chat::json_text(begins));
}

/// The tokens that the answers together left, as long as each follows those before it.
chat::Seen seen_of(const std::vector<store::Entry>& past, const std::string& prefix_id) {
  chat::Seen seen;
  bool holds = false;
  for (std::size_t i = 0; i < past.size(); ++i) {
    const store::Entry& entry = past[i];
    if (entry.tokens.empty()) continue;
    if (entry.tokens_begin) seen = {};
    holds = entry.tokens_prefix == prefix_id && (entry.tokens_begin || holds);
    if (!holds) {
      seen = {};
      continue;
    }
    seen.tokens.insert(seen.tokens.end(), entry.tokens.begin(), entry.tokens.end());
    seen.messages = static_cast<std::uint32_t>(i + 1);
  }
  return seen;
}

using Calls = std::map<std::string, std::string, std::less<>>;  // ids, names

Calls calls_of(const std::vector<store::Entry>& entries) {
  Calls calls;
  for (const store::Entry& entry : entries)
    for (const chat::ToolCall& call : entry.message.tool_calls) calls[call.id] = call.name;
  return calls;
}

/// Every output answers a call, whose name it gets.
Result<void> name_outputs(const Calls& past, std::vector<store::Entry>& now) {
  const Calls own = calls_of(now);
  for (store::Entry& entry : now) {
    chat::Message& message = entry.message;
    if (message.role != chat::Role::Tool) continue;
    const auto here = own.find(message.tool_call_id), before = past.find(message.tool_call_id);
    if (here == own.end() && before == past.end())
      return field_error("input", "no function_call has the id '" + message.tool_call_id + "'");
    message.name = here != own.end() ? here->second : before->second;
  }
  return ok();
}

/// Models are not made for calls that nobody answers.
Result<void> check_answered(Calls open, const std::vector<store::Entry>& past,
                            const std::vector<store::Entry>& now) {
  for (const auto* entries : {&past, &now})
    for (const store::Entry& entry : *entries) open.erase(entry.message.tool_call_id);
  if (open.empty()) return ok();
  return field_error("input", "a function_call_output for '" + open.begin()->first +
                                  "', which the previous response called for, is required");
}

/// A call that a limit cut in the middle is no JSON, which no prompt can be made of.
void mend_calls(chat::Message& message) {
  for (chat::ToolCall& call : message.tool_calls) {
    const auto arguments = parse_json(call.arguments, "arguments");
    if (!arguments.ok() || !arguments.value().is_object()) call.arguments = "{}";
  }
}

}  // namespace

Result<Asked> ask_behind(const std::vector<store::Entry>& past, const dialect::Ask& ask,
                         bool has_instructions, const model::Model& model) {
  Asked out{.request = ask.request};
  auto& talk = std::get<chat::Conversation>(out.request.prompt);
  std::vector<chat::Message> said = std::exchange(talk.messages, {});
  auto first = said.begin();
  std::string instructions;
  if (has_instructions) {
    instructions = first->content;
    talk.messages.push_back(std::move(*first++));
  }
  for (; first != said.end(); ++first) out.entries.push_back({.message = std::move(*first)});
  const Calls calls = calls_of(past);
  TRY_VOID(name_outputs(calls, out.entries));
  TRY_VOID(check_answered(calls, past, out.entries));
  if (talk.messages.size() + past.size() + out.entries.size() > chat::kMessagesMax)
    return field_error(
        "previous_response_id",
        "the conversation has more than " + std::to_string(chat::kMessagesMax) + " messages");
  out.prefix_id = prefix_id_of(talk, instructions, model);
  talk.seen = seen_of(past, out.prefix_id);
  if (talk.seen.messages > 0) talk.seen.messages += has_instructions ? 1 : 0;
  for (const store::Entry& entry : past) talk.messages.push_back(entry.message);
  for (const store::Entry& entry : out.entries) talk.messages.push_back(entry.message);
  return out;
}

store::Entry entry_of(const chat::Message& said, const chat::Trace& trace, const Asked& asked,
                      const std::string& model) {
  store::Entry entry{.message = said, .model = model};
  mend_calls(entry.message);
  context::keep_tokens(trace, asked.prefix_id, entry);
  return entry;
}

}  // namespace hearth::api::responses
