#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "engine/schema/automaton.h"

namespace hearth::engine {

inline constexpr std::size_t kPatternBytesMax = 1'024;
inline constexpr std::size_t kPatternNodesMax = 4'000;  // repetitions written out
inline constexpr int kPatternDepthMax = 64;             // groups in each other

/// The texts in which a regular expression is found, as JSON Schema's `pattern` means it: anywhere,
/// unless it is anchored. Understood is what RE2 and ECMA-262 have in common: classes, \d \w \s
/// (ASCII) and their opposites, groups, alternatives, repetitions, ^ and $, escapes. `.` stands for
/// all but the ends of lines. Nothing: the expression needs more (flags, \b, \p, looking ahead or
/// back), or is above one of the bounds or what is left of the work. Any thread.
/// Errors: InvalidInput (it is no regular expression; without a field).
Result<std::optional<Automaton>> read_pattern(std::string_view pattern, Work& work);

}  // namespace hearth::engine
