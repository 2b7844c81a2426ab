#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/schema/work.h"

namespace hearth::engine {

/// Characters from `first` to `last`, both included.
struct CharacterRange {
  std::uint32_t first = 0, last = 0;
  auto operator<=>(const CharacterRange&) const = default;
};
inline constexpr std::uint32_t kCharacterLast = 0x10FFFF;

/// The texts that a pattern, a length or a range of numbers allows, as a deterministic automaton
/// over characters. State 0 is where it starts; no states: it allows nothing. A value.
struct Automaton {
  struct Edge {
    CharacterRange range;
    std::uint32_t to = 0;
    bool operator==(const Edge&) const = default;
  };
  struct State {
    std::vector<Edge> edges{};  // sorted; their ranges do not overlap
    bool accepts = false;
  };
  /// Bounds what one pattern may cost: each state becomes a rule of a grammar.
  static constexpr std::size_t kStatesMax = 4'000;

  std::vector<State> states{};

  bool allows_nothing() const { return states.empty(); }
};

// Pure functions but for the work they spend; any thread.

/// True if it allows this text; `text` is UTF-8.
bool allows(const Automaton& automaton, std::string_view text);

/// The same texts without dead ends; of few states the fewest.
Automaton simplified(const Automaton& automaton, Work& work);

/// Those texts that consist of these characters alone. `kept` is sorted.
Automaton restricted(const Automaton& automaton, std::span<const CharacterRange> kept, Work& work);

struct Lengths {
  std::size_t min = 0;
  std::optional<std::size_t> max{};
};
/// Those texts that have so many characters; nothing if that takes more than kStatesMax states
/// or all of the work.
std::optional<Automaton> limited(const Automaton& automaton, Lengths lengths, Work& work);

/// The texts that both allow; nothing if that takes more than kStatesMax states or all of the work.
std::optional<Automaton> intersected(const Automaton& a, const Automaton& b, Work& work);

/// Any text.
Automaton any_text();
/// Any text but these.
Automaton any_but(std::span<const std::string_view> texts, Work& work);

/// The characters of UTF-8 text; what is ill-formed comes as it would be decoded without checks.
std::vector<std::uint32_t> characters_of(std::string_view text);

}  // namespace hearth::engine
