#pragma once
#include <optional>
#include <string>
#include <vector>

#include "agent/parts.h"
#include "agent/replay/recorded_model.h"
#include "agent/replay/recording.h"
#include "base/call.h"
#include "base/result.h"

namespace hearth::agent {

/// A turn that was made again.
struct Replayed {
  std::vector<Remade> rounds{};  // up to the first that came to something else
  std::size_t rounds_then = 0;   // of the turn
  /// Why this model may give other bits for the same request; empty: it promises not to.
  std::string variance{};

  bool is_same() const;
};

/// Makes the turn again, with the code of turns itself, in an empty store: the model is asked,
/// tools are not run but tell what they told then, memories and the time are those of then.
/// `parts`: the empty store, the model and how requests are read; its tools and static zone are not
/// used. Errors: NotFound (no such model), those of the store; what the model says to the first
/// call that cannot be made again.
Result<Replayed> replay(const Call& call, const Recording& recording, const Parts& parts);

/// Where two runs part, for people.
struct Difference {
  std::uint32_t round = 0;
  bool in_prompt = false;
  std::optional<std::size_t> token{};  // the first other one, counted from the prompt's beginning
  std::string then, now;               // around it, or the whole answers
};
/// Absent if nothing differs. Errors: those of Model::detokenize().
Result<std::optional<Difference>> first_difference(const Call& call, const Replayed& replayed,
                                                   model::Model& model);

/// What is another today than it was then, one sentence each: Hearth, the model's file, how it is
/// computed, instructions, tools.
std::vector<std::string> changes_since(const Recording& recording, const Parts& today,
                                       const model::Model& model);

}  // namespace hearth::agent
