#pragma once
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/schema/automaton.h"

namespace hearth::engine {

/// A regular expression as it is written.
struct Piece {
  enum class Kind : std::uint8_t { Characters, Sequence, Choice, Repeat, Begin, End };
  Kind kind = Kind::Sequence;                // of nothing: the empty text
  std::vector<CharacterRange> characters{};  // sorted, without overlap
  std::vector<Piece> parts{};
  std::size_t least = 0;  // of Repeat
  std::optional<std::size_t> most{};
};

/// Parses. Nothing: see read_pattern(). Errors: InvalidInput. Pure; any thread.
Result<std::optional<Piece>> parse_pattern(std::string_view pattern);

}  // namespace hearth::engine
