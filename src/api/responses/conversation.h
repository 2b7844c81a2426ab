#pragma once
#include <string>
#include <vector>

#include "chat/generation.h"
#include "dialect/responses.h"
#include "model/model.h"
#include "store/transcript.h"

/// What a response makes of its request and of what it follows. Pure.
namespace hearth::api::responses {

/// What the model is asked, and what is kept of it.
struct Asked {
  chat::Request request{};
  std::vector<store::Entry> entries{};  // said now, without instructions
  std::string prefix_id{};              // names what the tokens of entries follow
};

/// Puts the conversation that is followed (`past`; empty: none) before what is said now. Its
/// instructions do not count any more. What the model saw of it is used token for token, if it saw
/// the same instructions and tools then. Errors: InvalidInput (a call of the past has no output, an
/// output answers no call, there are more than chat::kMessagesMax messages).
Result<Asked> ask_behind(const std::vector<store::Entry>& past, const dialect::Ask& ask,
                         bool has_instructions, const model::Model& model);

/// The answer as it is kept.
store::Entry entry_of(const chat::Message& said, const chat::Trace& trace, const Asked& asked,
                      const std::string& model);

}  // namespace hearth::api::responses
