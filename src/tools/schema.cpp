#include "tools/schema.h"

#include "tools/schema_parts/checker.h"
#include "tools/schema_parts/compiler.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kBriefChoicesBytesMax = 60;

}  // namespace

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

std::string Schema::brief_type(const Node& node) {
  std::string text;
  for (const Json& choice : node.choices) text += (text.empty() ? "" : "|") + choice.dump();
  if (!text.empty() && text.size() <= kBriefChoicesBytesMax) return text;
  if (node.types == kAnyType) return "any";
  if (node.types == kArray) return "[" + (node.items ? brief_type(*node.items) : "any") + "]";
  text.clear();
  for (const auto& [name, type] : kTypeNames)
    if (node.types & type) text += (text.empty() ? "" : "|") + std::string(name);
  return text;
}

std::string Schema::brief() const {
  std::string text;
  for (const Node::Property& one : root_->properties)
    text += (text.empty() ? "" : ", ") + one.name + (one.is_required ? ": " : "?: ") +
            brief_type(*one.node);
  return text;
}

}  // namespace hearth::tools
