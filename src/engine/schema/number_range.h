#pragma once
#include <optional>
#include <string>

#include "base/fields.h"
#include "engine/schema/automaton.h"

namespace hearth::engine {

/// A number as digits, exactly.
struct Decimal {
  bool is_negative = false;
  std::string whole = "0";  // without leading zeros, at least one digit
  std::string fraction{};   // without zeros at its end
};

/// Nothing: not a number, or with more than 20 digits before or behind the point.
std::optional<Decimal> decimal_of(const Json& number);

/// From where to where a number may lie.
struct NumberRange {
  std::optional<Decimal> low{}, high{};            // absent: without end
  bool is_low_open = false, is_high_open = false;  // the end itself is outside
  bool is_whole = false;                           // integers alone
};

/// How many digits a number gets: two that differ within so many still do as doubles. Whole numbers
/// get as many as their bounds have, up to what 64 bits hold.
inline constexpr int kDigitsMax = 15;
inline constexpr int kWholeDigitsMax = 18;

/// The numbers in `range`, as JSON writes them, without an exponent. Nothing fits: an automaton
/// that allows nothing. Pure but for the work it spends; any thread.
Automaton numbers_in(const NumberRange& range, Work& work);

}  // namespace hearth::engine
