#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/call.h"
#include "base/result.h"
#include "chat/generation.h"
#include "chat/message.h"

namespace hearth::agent {

/// What makes the calls of a turn: the toolbox, or a recording of what it did. Any thread.
class ToolCalls {
 public:
  virtual ~ToolCalls() = default;

  /// For whom and where a call is made.
  struct Place {
    std::string owner;
    std::string session_id;
    std::uint32_t turn = 0;
  };
  /// A call of no tool, or with arguments that its schema does not allow: nothing was done.
  struct Malformed {
    std::string told;  // to the model: exactly what is wrong
  };
  /// What a call came to: what the model is told, or what a person has to decide first.
  using Outcome = std::variant<std::string, chat::Question, Malformed>;

  virtual bool has(std::string_view name) const = 0;
  /// Makes one call of a turn, or what it came to when it was made before: nothing is done twice.
  /// Everything that goes wrong with the tool is in the text. Errors: those of the store, Timeout,
  /// Cancelled.
  virtual Result<Outcome> act(const Call& call, const Place& place,
                              const chat::ToolCall& wanted) const = 0;
};

}  // namespace hearth::agent
