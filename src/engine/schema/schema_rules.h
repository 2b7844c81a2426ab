#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "engine/schema/demands.h"
#include "engine/schema/rule_book.h"

namespace hearth::engine {

/// A schema as rules of a grammar.
struct SchemaGrammar {
  std::string root{};                   // the name of the rule for a whole value
  std::string rules{};                  // GBNF, one a line
  std::vector<std::string> loosened{};  // what they do not keep: "properties.a.format: …"
};

/// Turns a JSON Schema into rules whose names begin with `prefix`. What comes after the rules is
/// JSON that fits the schema, except for what `loosened` names. Where a schema leaves it open, the
/// rules are narrower: members in the order of `properties`, no other members beside them unless
/// `additionalProperties` says so, numbers of at most 15 digits, any value at most 16 levels deep.
/// Pure; any thread. What it may cost is bounded: see Work.
/// Errors: InvalidInput (a keyword that is wrong, a pattern that is no regular expression, a
/// reference that leads nowhere, nothing that fits), TooLarge; with the place in the schema,
/// without a field.
Result<SchemaGrammar> schema_grammar(const Json& schema, const std::string& prefix);

inline constexpr std::size_t kSchemaVisitsMax = 10'000;  // values, with all their alternatives
inline constexpr std::size_t kSchemaRulesMax = 50'000;
inline constexpr std::size_t kSchemaTextBytesMax = 4 * 1024 * 1024;  // of all rules
inline constexpr std::size_t kSchemaCountMax = 2'000;  // of characters or items: llama.cpp's bound

}  // namespace hearth::engine
