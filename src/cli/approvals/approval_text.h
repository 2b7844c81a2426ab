#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cli/approvals/approval.h"
#include "cli/terminal/style.h"

/// A question and its answers as a person reads and types them. Pure; all texts are safe to show
/// and hide nothing: see visible().
namespace hearth::cli {

inline constexpr std::size_t kArgumentBytesMax = 4'096;  // shown of one argument
inline constexpr std::size_t kArgumentBesideDiffBytesMax = 200;

/// The exact call: tool, target, each argument, and the diff of what would change.
std::string approval_text(const Approval& approval, const Style& style);

/// What can be answered, a line each, with the pattern that an answer for longer would be learned
/// with; and what becomes of the question without an answer.
std::string choices_text(const Approval& approval, const Style& style);
/// "Allow? [y/s/a/N] "
std::string choices_prompt(const Approval& approval);
/// What somebody typed at it: nothing typed denies; nullopt for what is no answer.
std::optional<Answer> answer_of(std::string_view typed, const Approval& approval);

/// For somebody who cannot be asked here: the question, and the commands that answer it. `options`:
/// what these need besides, such as " --data DIR".
std::string notice_text(const Approval& approval, const std::string& options, const Style& style);

}  // namespace hearth::cli
