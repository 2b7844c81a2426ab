#pragma once
#include <optional>
#include <string>

#include "engine/schema/demands.h"

namespace hearth::engine {

/// The texts that `patterns`, `formats` and lengths allow, as far as they can be told; what cannot
/// goes to `loosened`. Nothing: any text.
/// Errors: InvalidInput (a pattern that is no regular expression).
Result<std::optional<Automaton>> texts_of(const Demands& demands, const std::string& place,
                                          DemandReader& reader);

/// True if one value that was written down fits. Members of objects and items are not looked at.
Result<bool> fits(const Json& value, const Demands& demands, DemandReader& reader);

/// True if no value that is made after `a` fits `b` and the other way round, for certain.
Result<bool> exclude_each_other(const Demands& a, const Demands& b, DemandReader& reader,
                                int depth = 0);

}  // namespace hearth::engine
