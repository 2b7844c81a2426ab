#pragma once
#include <string>

#include "agent/replay/recording.h"
#include "agent/tool_calls.h"

namespace hearth::agent {

/// What the tools did in a turn, told again in the order of then; nothing is done. A call whose
/// result did not come next waits for a decision, as it did then. One thread; the recording must
/// outlive it.
class RecordedCalls final : public ToolCalls {
 public:
  explicit RecordedCalls(const Recording& recording) : recording_(recording) {}

  bool has(std::string_view name) const override;
  /// Errors: Cancelled (the call was not made then, or its result is not known).
  Result<Outcome> act(const Call& call, const Place& place,
                      const chat::ToolCall& wanted) const override;
  /// How many results have been told.
  std::size_t told() const { return told_; }

 private:
  const store::Entry* next() const;

  const Recording& recording_;
  mutable std::size_t told_ = 0;  // of the entries that are results of Hearth's own tools
};

}  // namespace hearth::agent
