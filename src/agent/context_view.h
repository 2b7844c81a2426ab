#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/parts.h"
#include "base/call.h"
#include "base/result.h"
#include "store/summaries.h"

namespace hearth::agent {

/// What the model of a session would be shown with the next message, counted with its tokenizer.
struct ContextView {
  std::string model{};
  std::uint32_t context_tokens = 0;  // that the model holds
  struct Static {
    std::uint32_t tokens = 0;
    std::string text{};                // instructions and rules
    std::vector<std::string> tools{};  // names
  } static_zone{};
  struct History {
    std::uint32_t tokens = 0, tokens_max = 0;
    std::size_t messages = 0;
    std::uint32_t kept_tokens = 0;  // of the prompt: as the model saw them, never made anew
  } history{};
  std::optional<store::Summary> summary{};
  std::size_t archived = 0;  // messages that it stands for
  struct Tail {
    std::uint32_t tokens = 0;
    std::string text{};
  } tail{};
};

/// Asks the session's model, or the first, to count; nothing is computed. Errors: Unavailable (no
/// such model any more), those of the store and of the model.
Result<ContextView> view_context(const Call& call, const Parts& parts,
                                 const std::string& session_id);

}  // namespace hearth::agent
