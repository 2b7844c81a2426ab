#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::engine {

// llama.cpp takes grammars and schemas on trust: some of a few hundred bytes make its parser run
// for ever, fill the memory or overflow the stack. These checks come first. Pure functions; any
// thread.

inline constexpr std::size_t kGrammarTextBytesMax = 4 * 1024 * 1024;  // made from schemas
inline constexpr std::size_t kGrammarElementsMax = 2'000'000;  // after repetitions are written out
inline constexpr std::size_t kGrammarPathsMax = 20'000;        // ways to begin one rule
inline constexpr int kGrammarDepthMax = 256;                   // nested groups
inline constexpr int kGrammarChainMax = 2'000;                 // rules that begin with one another

/// Checks GBNF text: well-formed, every rule defined, a rule "root", no left recursion (hidden
/// behind empty rules too), and within the bounds above. Errors: InvalidInput, TooLarge; without a
/// field. Source: llama.cpp, src/llama-grammar.cpp (parser, advance_stack, detect_left_recursion).
Result<void> check_grammar_text(std::string_view gbnf);

enum class SchemaRoot { Any, Object };

inline constexpr std::size_t kSchemaNodesMax = 2'048;     // sub-schemas, type unions written out
inline constexpr std::size_t kSchemaPropertiesMax = 256;  // of one object
inline constexpr std::size_t kSchemaKeyBytesMax = 256;
inline constexpr int kSchemaDepthMax = 32;

/// Checks that `schema` is JSON, a schema that can be turned into a grammar within bounds (see
/// schema_grammar()), and turns it once to see. `Object`: it must describe an object, as a tool's
/// parameters do. Errors: InvalidInput, TooLarge; with `field` as the field.
Result<void> check_schema(std::string_view schema, const std::string& field, SchemaRoot root);

}  // namespace hearth::engine
