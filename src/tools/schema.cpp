#include "tools/schema.h"

#include "tools/schema_parts/checker.h"
#include "tools/schema_parts/compiler.h"

namespace hearth::tools {

Result<Schema> Schema::make(std::string_view text) {
  if (text.size() > kBytesMax)
    return field_error("parameters", "has " + std::to_string(text.size()) + " bytes; at most " +
                                         std::to_string(kBytesMax) + " are allowed");
  TRY(const Json json, parse_json(text, "parameters"));
  auto root = std::make_shared<Node>();
  TRY_VOID(Compiler().compile(json, "parameters", 0, *root));
  if (json.empty()) root->types = kObject;  // "{}" is how no arguments are written
  if (root->types != kObject)
    return field_error("parameters.type", "\"object\" is required: arguments have names");
  return Schema(std::move(root), json.dump());
}

Result<Json> Schema::read(std::string_view arguments, std::string_view place) const {
  const std::string path(place);
  if (arguments.size() > kArgumentsBytesMax)
    return field_error(path, "have " + std::to_string(arguments.size()) + " bytes; at most " +
                                 std::to_string(kArgumentsBytesMax) + " are allowed");
  if (arguments.find_first_not_of(" \t\r\n") == std::string_view::npos) arguments = "{}";
  TRY(Json value, parse_json(arguments, path, kArgumentsDepthMax));
  TRY_VOID(Checker::check(*root_, value, path));
  return value;
}

}  // namespace hearth::tools
