#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/terminal/style.h"

/// Messages of a session, as the daemon tells of them, made readable. Pure; what a message lacks or
/// has of a strange type is left out.
namespace hearth::cli {

/// For a terminal: who speaks, then what was said, then the tools that were called; safe to show.
std::string message_text(const nlohmann::ordered_json& message, const Style& style);

/// A section of a Markdown document. What is said stays as it is; what tools were given and gave is
/// indented as code.
std::string message_markdown(const nlohmann::ordered_json& message);

inline constexpr std::size_t kRecallBytesMax = 600;
/// One line of what was said before, for somebody who comes back: "> question" or the answer, safe
/// to show, at most kRecallBytesMax of it and then "…".
std::string recall_text(const nlohmann::ordered_json& message);

/// "2026-07-14 15:32" in the local time zone, for seconds since 1970.
std::string time_text(std::int64_t unix_seconds);

/// `text` on one line: every run of blanks and line breaks is a space; safe to show.
std::string one_line(std::string_view text);

}  // namespace hearth::cli
