#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "store/summaries.h"
#include "store/transcript.h"

namespace hearth::context {

inline constexpr std::uint32_t kSummaryTokensMax = 400;
inline constexpr std::size_t kSummaryBytesMin = 40;  // less than a sentence is none

/// Asks a model that holds `context_tokens` to put messages into few words; `earlier`: what stood
/// for those before them. Of what is too long for it, the middle is left out.
chat::Request summary_request(const std::vector<store::Entry>& entries,
                              const std::optional<store::Summary>& earlier,
                              std::uint32_t context_tokens);

/// The summary that an answer is; absent: it is none.
std::optional<std::string> summary_in(const chat::Message& answer);

/// What stands for messages of which there is no summary: how many there are in all, behind the
/// summary of those before them.
std::string archive_line(std::size_t messages, const std::optional<store::Summary>& earlier);

/// What the owner is told.
std::string compaction_note(const store::Summary& summary);

}  // namespace hearth::context
