#pragma once
#include <string>
#include <string_view>

namespace hearth::engine {

/// A grammar made by llama-common from a JSON schema, with one way of spacing left instead of many:
/// ": " behind a key, ", " between items, nothing else, as Python's json.dumps writes and models
/// have read it most. Then keys and punctuation are forced text, and no model can fill an answer
/// with white space. Only the references to the rule `space` beside JSON's own punctuation change;
/// others (between a tag and the JSON in it) stay. Pure.
std::string with_fixed_spacing(std::string_view gbnf);

}  // namespace hearth::engine
