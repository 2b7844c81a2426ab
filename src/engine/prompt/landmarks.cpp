#include "engine/prompt/landmarks.h"

#include <algorithm>

#include "base/random.h"

namespace hearth::engine {
namespace {

constexpr const char* kLeftOutTool = "hearthtool";
constexpr const char* kLeftOut = "-";  // some templates refuse a message that says nothing

MaskedText part(const MaskedText& text, std::size_t begin, std::size_t end) {
  const auto from = text.trusted.begin();
  return {text.text.substr(begin, end - begin),
          {from + static_cast<std::ptrdiff_t>(begin), from + static_cast<std::ptrdiff_t>(end)}};
}

bool is_trusted(const MaskedText& text, std::size_t begin, std::size_t bytes) {
  const auto from = text.trusted.begin() + static_cast<std::ptrdiff_t>(begin);
  return std::all_of(from, from + static_cast<std::ptrdiff_t>(bytes), [](bool it) { return it; });
}

/// The first trusted spelling of one of `words` from `begin` on.
std::size_t find_any(const MaskedText& text, const std::vector<std::string>& words,
                     std::size_t begin) {
  std::size_t best = std::string::npos;
  for (const std::string& word : words) {
    std::size_t at = text.text.find(word, begin);
    while (at < best && !is_trusted(text, at, word.size())) at = text.text.find(word, at + 1);
    best = std::min(best, at);
  }
  return best;
}

/// npos also if there are several.
std::size_t find_only(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  return at == text.rfind(mark) ? at : std::string::npos;
}

}  // namespace

Landmarks::Landmarks(const chat::Conversation& conversation, Use use, Early early)
    : marked_(conversation) {
  if (use == Use::Seen && conversation.seen.messages > 0)
    mark_seen(conversation.seen.messages, early);
  if (!conversation.tail.empty()) mark_tail();
}

/// Every template writes the name of a call, not every one what was said beside it.
void Landmarks::mark_seen(std::uint32_t messages, Early early) {
  seen_mark_ = random_id("hearthseen");
  if (early.tools && !marked_.tools.empty())
    marked_.tools = {{kLeftOutTool, "a tool", R"({"type":"object","properties":{}})"}};
  if (!early.instructions && marked_.messages.front().role == chat::Role::System && messages > 1) {
    marked_.messages.erase(marked_.messages.begin());
    --messages;
  }
  for (std::uint32_t i = 0; i < messages; ++i) {
    chat::Message& message = marked_.messages[i];
    message.content = message.content.empty() ? "" : kLeftOut;
    message.reasoning.clear();
  }
  chat::Message& last = marked_.messages[messages - 1];
  if (last.tool_calls.empty()) {
    last.content = seen_mark_;
    return;
  }
  chat::ToolCall& call = last.tool_calls.back();
  for (auto later = marked_.messages.begin() + messages; later != marked_.messages.end(); ++later)
    if (later->tool_call_id == call.id && later->name.empty()) later->name = call.name;
  call.name = seen_mark_;
}

void Landmarks::mark_tail() {
  const auto said =
      std::find_if(marked_.messages.rbegin(), marked_.messages.rend(),
                   [](const chat::Message& message) { return message.role == chat::Role::User; });
  if (said == marked_.messages.rend()) return;
  tail_mark_ = random_id("hearthtail");
  said->content += tail_mark_;
}

std::optional<Landmarks::Parts> Landmarks::split(const MaskedText& rendered,
                                                 const std::vector<std::string>& ends) const {
  const std::string& text = rendered.text;
  std::size_t begin = 0;
  if (!seen_mark_.empty()) {
    const std::size_t mark = find_only(text, seen_mark_);
    if (mark == std::string::npos) return std::nullopt;
    begin = find_any(rendered, ends, mark + seen_mark_.size());
    if (begin == std::string::npos) return std::nullopt;
  }
  if (tail_mark_.empty()) return Parts{.before = part(rendered, begin, text.size())};
  const std::size_t tail = find_only(text, tail_mark_);
  if (tail == std::string::npos || tail < begin) return std::nullopt;
  return Parts{part(rendered, begin, tail), part(rendered, tail + tail_mark_.size(), text.size())};
}

std::vector<std::string> answer_ends(const llama_vocab* vocab) {
  std::vector<std::string> ends;
  const std::int32_t count = llama_vocab_n_tokens(vocab);
  for (llama_token token = 0; token < count; ++token) {
    if (!llama_vocab_is_eog(vocab, token)) continue;
    const char* text = llama_vocab_get_text(vocab, token);
    if (text && *text) ends.emplace_back(text);
  }
  return ends;
}

}  // namespace hearth::engine
