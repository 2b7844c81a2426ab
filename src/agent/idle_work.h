#pragma once
#include <string>

#include "agent/parts.h"
#include "agent/talk.h"
#include "base/call.h"
#include "base/result.h"
#include "chat/generation.h"
#include "model/model.h"

namespace hearth::agent {

/// What is done for a session behind a turn, while nobody waits: older messages are summarised when
/// the history fills its budget, and what the next turn begins with is computed. Ends as soon as
/// the Call does; what is left is done behind another turn, or when it is needed. One thread.
class IdleWork {
 public:
  IdleWork(const Parts& parts, Talk& talk, model::Model& model)
      : parts_(parts), talk_(talk), model_(model) {}

  /// `had_tail`: what the model has computed has a tail in it, and the next prompt has not.
  void run(const Call& call, bool had_tail);

 private:
  Result<void> compact(const Call& call, std::uint32_t cut);
  Result<std::string> summarise(const Call& call, std::uint32_t cut, std::string& writer);
  Result<void> compute(const Call& call, chat::Prompt prompt);

  const Parts& parts_;
  Talk& talk_;
  model::Model& model_;
};

}  // namespace hearth::agent
