#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "engine/prompt/grammar_check.h"
#include "engine/schema/schema_rules.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::ordered_json;

/// Counts what a grammar will be built of.
class SchemaWalk {
 public:
  /// `times`: a union of types counts all that is below it again.
  Result<void> visit(const Json& schema, std::size_t times, int depth) {
    if (depth > kSchemaDepthMax) return Error{Code::TooLarge, "nests deeper than 32"};
    if (schema.is_array()) return visit_all(schema, times, depth);
    if (!schema.is_object()) return ok();
    const auto type = schema.find("type");
    if (type != schema.end() && type->is_array()) times *= std::max<std::size_t>(type->size(), 1);
    nodes_ += times;
    if (times > kSchemaNodesMax || nodes_ > kSchemaNodesMax) {
      return Error{Code::TooLarge, "holds more than 2048 schemas"};
    }
    for (const auto& [low, high] :
         {std::pair("minimum", "maximum"), std::pair("minLength", "maxLength"),
          std::pair("minItems", "maxItems")}) {
      if (above(schema, low, high))
        return Error{Code::InvalidInput, std::string(low) + " is above " + high};
    }
    return visit_all(schema, times, depth);
  }

 private:
  Result<void> visit_all(const Json& node, std::size_t times, int depth) {
    if (node.is_object() && node.size() > kSchemaPropertiesMax) {
      return Error{Code::TooLarge, "has an object of more than 256 properties"};
    }
    for (const auto& item : node.items()) {
      if (node.is_object() && item.key().size() > kSchemaKeyBytesMax) {
        return Error{Code::TooLarge, "has a name of more than 256 bytes"};
      }
      TRY_VOID(visit(item.value(), times, depth + 1));
    }
    return ok();
  }

  static bool above(const Json& schema, const char* low, const char* high) {
    const auto least = schema.find(low);
    const auto most = schema.find(high);
    return least != schema.end() && most != schema.end() && least->is_number() &&
           most->is_number() && least->get<double>() > most->get<double>();
  }

  std::size_t nodes_ = 0;
};

Error with_field(Error error, const std::string& field) {
  return {error.code, field + ": " + error.message, field};
}

Result<void> check_root(const Json& schema, SchemaRoot root) {
  if (!schema.is_object()) return Error{Code::InvalidInput, "a JSON Schema is an object"};
  if (root == SchemaRoot::Any || schema.empty()) return ok();
  const auto type = schema.find("type");
  if (type == schema.end() || *type != "object") {
    return Error{Code::InvalidInput, "\"type\": \"object\" is required"};
  }
  const auto properties = schema.find("properties");
  if (properties != schema.end() && !properties->is_object()) {
    return Error{Code::InvalidInput, "\"properties\" is an object"};
  }
  return ok();
}

Result<void> convert(const Json& schema) {
  TRY(const SchemaGrammar made, schema_grammar(schema, "schema-"));
  return check_grammar_text("root ::= " + made.root + "\nspace ::= \" \"?\n" + made.rules);
}

}  // namespace

Result<void> check_schema(std::string_view schema, const std::string& field, SchemaRoot root) {
  const auto parsed = parse_json(schema, "the schema");
  if (!parsed.ok()) return field_error(field, parsed.error().message);
  auto checked = check_root(parsed.value(), root);
  if (checked.ok()) checked = SchemaWalk().visit(parsed.value(), 1, 0);
  if (checked.ok()) checked = convert(parsed.value());
  return checked.ok() ? ok() : Result<void>(with_field(checked.error(), field));
}

}  // namespace hearth::engine
