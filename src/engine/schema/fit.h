#pragma once
#include <optional>
#include <string>

#include "engine/schema/demands.h"

namespace hearth::engine {

/// The texts that `patterns`, `formats` and lengths of `demands` allow, as far as they can be told;
/// what cannot goes to `loosened`. Nothing: any text. Errors: InvalidInput (a pattern that is no
/// regular expression).
Result<std::optional<Automaton>> texts_of(const Demands& demands, const std::string& place,
                                          DemandReader& reader);

/// Which values that were written down fit `demands`, apart from its `choices`. Members of objects
/// and items are not looked at. For many values: patterns are read once.
class Fitting {
 public:
  /// Both outlive it.
  Fitting(const Demands& demands, DemandReader& reader) : demands_(demands), reader_(reader) {}

  /// Errors: InvalidInput (a pattern that is no regular expression), TooLarge (the work is spent).
  Result<bool> takes(const Json& value);

 private:
  Result<bool> takes_text(const std::string& text);

  const Demands& demands_;
  DemandReader& reader_;
  std::optional<std::optional<Automaton>> texts_{};  // of patterns and formats, once asked for
};

/// True if no value that is made after `a` fits `b` and the other way round, for certain.
Result<bool> exclude_each_other(const Demands& a, const Demands& b, DemandReader& reader,
                                int depth = 0);

}  // namespace hearth::engine
