#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/result.h"

namespace hearth::tools {

/// The arguments of a tool, as a JSON Schema describes them. The keywords that are understood are
/// those that a grammar can be made from, and nothing is passed over in silence:
///   type (also a list), enum, const, properties, required, additionalProperties, items, minItems,
///   maxItems, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength
///   (characters), pattern (RE2, found anywhere), format (date, time, date-time, uuid), anyOf,
///   oneOf.
/// Words for people (title, description, default, examples, deprecated, readOnly, writeOnly,
/// $schema, $id, $comment) are left alone. Any other keyword makes the schema one that cannot be
/// used. An object with `properties` takes no others unless additionalProperties says so, as
/// grammars have it. Immutable; any thread. Source: json-schema.org, draft 2020-12.
class Schema {
 public:
  static constexpr std::size_t kBytesMax = 64 * 1024;
  static constexpr int kDepthMax = 16;
  static constexpr std::size_t kNameBytesMax = 128;  // of a property
  static constexpr std::size_t kNodesMax = 1'024;
  static constexpr std::size_t kArgumentsBytesMax = 4 * 1024 * 1024;
  static constexpr int kArgumentsDepthMax = 32;

  /// Errors: InvalidInput, with the place and the reason ("parameters.properties.a.pattern: is no
  /// regular expression …"; "parameters.$ref: is not understood").
  static Result<Schema> make(std::string_view text);

  /// Parses arguments and checks them. Empty text stands for {}. Errors: InvalidInput, one sentence
  /// that names the place and what was expected ("arguments.lines: a whole number from 1 to 10000
  /// is required"); `place` is how it calls the whole.
  Result<Json> read(std::string_view arguments, std::string_view place = "arguments") const;

  /// As JSON text, without white space.
  const std::string& text() const { return text_; }

 private:
  struct Node;
  class Compiler;
  class Checker;
  Schema(std::shared_ptr<const Node> root, std::string text)
      : root_(std::move(root)), text_(std::move(text)) {}

  std::shared_ptr<const Node> root_;  // immutable; shared by copies
  std::string text_;
};

}  // namespace hearth::tools
