#include "agent/replay/recorded_calls.h"

#include <algorithm>

namespace hearth::agent {

bool RecordedCalls::has(std::string_view name) const {
  return std::ranges::any_of(recording_.rounds.front().tools,
                             [name](const chat::Tool& tool) { return tool.name == name; });
}

/// The first result that has not been told.
const store::Entry* RecordedCalls::next() const {
  std::size_t number = 0;
  for (const store::Entry& entry : recording_.said) {
    if (entry.message.role != chat::Role::Tool || !has(entry.message.name)) continue;
    if (number++ == told_) return &entry;
  }
  return nullptr;
}

Result<ToolCalls::Outcome> RecordedCalls::act(const Call&, const Place&,
                                              const chat::ToolCall& wanted) const {
  const store::Entry* const result = next();
  if (!result) return Error{Code::Cancelled, "the turn ended before this call was made"};
  if (result->message.tool_call_id != wanted.id) return Outcome(chat::Question());
  ++told_;
  return Outcome(result->message.content);
}

}  // namespace hearth::agent
