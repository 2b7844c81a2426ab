#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "store/summaries.h"
#include "store/transcript.h"

namespace hearth::context {

/// What was said before, as a prompt shows it.
struct History {
  std::vector<chat::Message> messages{};  // behind the static zone
  chat::Seen seen{};  // of these messages alone, where the model's own tokens are known
};

/// The entries of a session that are shown, in order, without its instructions. A summary stands in
/// the first question. Calls that have no result get one that says so: templates refuse others.
/// `prefix_id`: with what the prompt begins; tokens that followed another beginning are of no use.
History history_of(const std::vector<store::Entry>& entries,
                   const std::optional<store::Summary>& summary, const std::string& prefix_id);

/// A session's own instructions: what its first system messages say; empty: it has none.
std::string instructions_of(const std::vector<store::Entry>& entries);

/// Keeps what a call of the model added to what it has seen with the message that it made: all but
/// the tail. Thoughts are not repeated, so a message with thoughts keeps no tokens, and later ones
/// of its turn must not either: they follow what is not there. False if nothing was kept.
bool keep_tokens(const chat::Trace& trace, const std::string& prefix_id, store::Entry& entry);

/// About how many tokens an entry is where they are not known: from its bytes, rather too many.
std::uint32_t estimated_tokens(const store::Entry& entry);
/// How many tokens the history is, in a prompt that begins with `static_tokens`.
std::uint32_t history_tokens(const std::vector<store::Entry>& entries, const std::string& prefix_id,
                             std::uint32_t static_tokens);

}  // namespace hearth::context
