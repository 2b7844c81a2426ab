#include "context/history.h"

#include <algorithm>
#include <set>

#include "base/fields.h"

namespace hearth::context {
namespace {

constexpr const char* kNoResult = "(not run: the conversation went on without it)";
constexpr std::uint32_t kBytesAToken = 3;     // of English and most others it is four
constexpr std::uint32_t kTokensAMessage = 8;  // of the template

std::set<std::string> answered_calls(const std::vector<store::Entry>& entries) {
  std::set<std::string> ids;
  for (const auto& entry : entries)
    if (entry.message.role == chat::Role::Tool) ids.insert(entry.message.tool_call_id);
  return ids;
}

/// The tokens that all entries together left, as long as each follows those before it.
class Chain {
 public:
  explicit Chain(const std::string& prefix_id) : prefix_id_(prefix_id) {}

  /// False if the entry adds nothing to the chain.
  bool add(const store::Entry& entry) {
    if (entry.tokens.empty()) return false;
    if (entry.tokens_begin) tokens_.clear();
    holds_ = entry.tokens_prefix == prefix_id_ && (entry.tokens_begin || holds_);
    if (!holds_) tokens_.clear();
    if (holds_) tokens_.insert(tokens_.end(), entry.tokens.begin(), entry.tokens.end());
    return holds_;
  }
  bool holds() const { return holds_; }
  std::vector<chat::Token>& tokens() { return tokens_; }

 private:
  const std::string& prefix_id_;
  std::vector<chat::Token> tokens_{};
  bool holds_ = false;
};

/// A call that a limit cut in the middle is no JSON, which no prompt can be made of. Its result
/// says what was wrong with it.
void mend_calls(chat::Message& message) {
  for (chat::ToolCall& call : message.tool_calls) {
    const auto arguments = parse_json(call.arguments, "arguments");
    if (!arguments.ok() || !arguments.value().is_object()) call.arguments = "{}";
  }
}

std::string with_summary(const store::Summary& summary, const std::string& said) {
  return "[earlier: " + summary.text + "]\n\n" + said;
}

}  // namespace

History history_of(const std::vector<store::Entry>& entries,
                   const std::optional<store::Summary>& summary, const std::string& prefix_id) {
  const std::set<std::string> answered = answered_calls(entries);
  Chain chain(prefix_id);
  History out;
  bool told = !summary.has_value();
  for (const store::Entry& entry : entries) {
    if (entry.message.role == chat::Role::System) continue;
    out.messages.push_back(entry.message);
    mend_calls(out.messages.back());
    if (!told && entry.message.role == chat::Role::User) {
      out.messages.back().content = with_summary(*summary, entry.message.content);
      told = true;
    }
    const bool known = chain.add(entry);
    if (known) out.seen.messages = static_cast<std::uint32_t>(out.messages.size());
    if (!chain.holds()) out.seen.messages = 0;
    for (const auto& wanted : entry.message.tool_calls) {
      if (answered.contains(wanted.id)) continue;
      out.messages.push_back(
          {.role = chat::Role::Tool, .content = kNoResult, .tool_call_id = wanted.id});
    }
  }
  if (out.seen.messages > 0) out.seen.tokens = std::move(chain.tokens());
  return out;
}

std::string instructions_of(const std::vector<store::Entry>& entries) {
  std::string text;
  for (const store::Entry& entry : entries)
    if (entry.message.role == chat::Role::System)
      text += (text.empty() ? "" : "\n\n") + entry.message.content;
  return text;
}

bool keep_tokens(const chat::Trace& trace, const std::string& prefix_id, store::Entry& entry) {
  if (trace.tokens.empty() || !entry.message.reasoning.empty()) return false;
  entry.tokens = trace.tokens;
  const auto tail = entry.tokens.begin() + trace.tail_begin;
  entry.tokens.erase(tail, tail + trace.tail_tokens);
  entry.tokens_prefix = prefix_id;
  entry.tokens_begin = !trace.follows_seen;
  return true;
}

std::uint32_t estimated_tokens(const store::Entry& entry) {
  std::size_t bytes = entry.message.content.size();
  for (const chat::ToolCall& call : entry.message.tool_calls)
    bytes += call.name.size() + call.arguments.size();
  return static_cast<std::uint32_t>(bytes) / kBytesAToken + kTokensAMessage;
}

std::uint32_t history_tokens(const std::vector<store::Entry>& entries, const std::string& prefix_id,
                             std::uint32_t static_tokens) {
  Chain chain(prefix_id);
  std::uint32_t all = 0, behind = 0;  // behind what known tokens cover
  for (const store::Entry& entry : entries) {
    if (entry.message.role == chat::Role::System) continue;
    all += estimated_tokens(entry);
    behind = chain.add(entry) ? 0 : behind + estimated_tokens(entry);
  }
  if (!chain.holds()) return all;
  const auto known = static_cast<std::uint32_t>(chain.tokens().size());
  return (known > static_tokens ? known - static_tokens : 0) + behind;
}

}  // namespace hearth::context
