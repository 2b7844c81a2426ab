#include "tools/schema_parts/compiler.h"

#include <algorithm>
#include <array>

namespace hearth::tools {
namespace {

constexpr std::array kForPeople = {"title",    "description", "default", "examples", "deprecated",
                                   "readOnly", "writeOnly",   "$schema", "$id",      "$comment"};

#define HEARTH_DATE "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#define HEARTH_TIME \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
constexpr std::pair<const char*, const char*> kFormats[] = {
    {"date", HEARTH_DATE},
    {"time", HEARTH_TIME},
    {"date-time", HEARTH_DATE "T" HEARTH_TIME},
    {"uuid", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"}};

bool is_one_of(const std::string& key, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

/// Names stand in the prompt, on one line.
bool is_fine_name(const std::string& name) {
  return !name.empty() && name.size() <= Schema::kNameBytesMax &&
         std::none_of(name.begin(), name.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

std::string join(const std::string& path, const std::string& key) { return path + "." + key; }

}  // namespace

Result<void> Schema::Compiler::compile(const Json& json, const std::string& path, int depth,
                                       Node& node) {
  if (depth > kDepthMax)
    return field_error(path, "is nested deeper than " + std::to_string(kDepthMax));
  if (++nodes_ > kNodesMax)
    return field_error(path, "is one schema too many; at most " + std::to_string(kNodesMax) +
                                 " are allowed in one");
  if (json.is_boolean() && json.get<bool>()) return ok();  // anything
  if (!json.is_object()) return field_error(path, "a schema is an object");
  for (const auto& [key, value] : json.items()) TRY_VOID(take(key, value, {path, depth, node}));
  // `required` names properties, wherever it stands in the object.
  const auto required = json.find("required");
  if (required != json.end()) TRY_VOID(take_required(*required, join(path, "required"), node));
  if (!json.contains("additionalProperties") && json.contains("properties"))
    node.takes_others = false;
  return ok();
}

Result<void> Schema::Compiler::take(const std::string& key, const Json& value, const At& at) {
  const std::string path = join(at.path, key);
  if (key == "type") return take_types(value, path, at.node);
  if (key == "properties") return take_properties(value, path, at);
  if (key == "additionalProperties") return take_others(value, path, at);
  if (key == "items") {
    TRY(at.node.items, child(value, path, at.depth + 1));
    return ok();
  }
  if (is_one_of(key, {"anyOf", "oneOf"})) return take_forms(key, value, path, at);
  if (is_one_of(key, {"enum", "const"})) return take_choices(key, value, path, at.node);
  if (is_one_of(key, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}))
    return take_bound(key, value, path, at.node);
  if (is_one_of(key, {"minItems", "maxItems", "minLength", "maxLength"}))
    return take_count(key, value, path, at.node);
  if (is_one_of(key, {"pattern", "format"})) return take_text(key, value, path, at.node);
  if (key == "required" || std::find(kForPeople.begin(), kForPeople.end(), key) != kForPeople.end())
    return ok();
  return field_error(path, "is not understood");
}

Result<std::unique_ptr<Schema::Node>> Schema::Compiler::child(const Json& value,
                                                              const std::string& path, int depth) {
  auto node = std::make_unique<Node>();
  TRY_VOID(compile(value, path, depth, *node));
  return node;
}

Result<void> Schema::Compiler::take_types(const Json& value, const std::string& path, Node& node) {
  const Json list = value.is_array() ? value : Json::array({value});
  if (list.empty()) return field_error(path, "must not be empty");
  node.types = 0;
  for (const Json& one : list) {
    const auto* const known =
        std::find_if(std::begin(kTypeNames), std::end(kTypeNames), [&](const auto& type) {
          return one.is_string() && one.get_ref<const std::string&>() == type.first;
        });
    if (known == std::end(kTypeNames)) return field_error(path, "is no type of JSON Schema");
    node.types = static_cast<std::uint8_t>(node.types | known->second);
  }
  return ok();
}

Result<void> Schema::Compiler::take_properties(const Json& value, const std::string& path,
                                               const At& at) {
  if (!value.is_object()) return field_error(path, "an object is required");
  for (const auto& [name, schema] : value.items()) {
    if (!is_fine_name(name))
      return field_error(path, "a name of 1 to 128 bytes without control characters is required");
    TRY(auto node, child(schema, join(path, name), at.depth + 1));
    at.node.properties.push_back({name, std::move(node)});
  }
  return ok();
}

Result<void> Schema::Compiler::take_required(const Json& value, const std::string& path,
                                             Node& node) {
  if (!value.is_array()) return field_error(path, "an array is required");
  for (const Json& name : value) {
    if (!name.is_string()) return field_error(path, "an array of names is required");
    const auto& wanted = name.get_ref<const std::string&>();
    const auto known = std::find_if(node.properties.begin(), node.properties.end(),
                                    [&](const Node::Property& one) { return one.name == wanted; });
    if (known == node.properties.end())
      return field_error(path, "names \"" + wanted + "\", which is not among the properties");
    known->is_required = true;
  }
  return ok();
}

Result<void> Schema::Compiler::take_others(const Json& value, const std::string& path,
                                           const At& at) {
  if (value.is_boolean()) {
    at.node.takes_others = value.get<bool>();
    return ok();
  }
  TRY(at.node.others, child(value, path, at.depth + 1));
  return ok();
}

Result<void> Schema::Compiler::take_forms(const std::string& key, const Json& value,
                                          const std::string& path, const At& at) {
  if (!at.node.forms.empty()) return field_error(path, "stands beside another list of forms");
  if (!value.is_array() || value.empty()) return field_error(path, "a list of schemas is required");
  at.node.exactly_one_form = key == "oneOf";
  std::size_t number = 0;
  for (const Json& form : value) {
    Node node;
    const std::string place = path + "[" + std::to_string(number++) + "]";
    TRY_VOID(compile(form, place, at.depth + 1, node));
    at.node.forms.push_back(std::move(node));
  }
  return ok();
}

Result<void> Schema::Compiler::take_choices(const std::string& key, const Json& value,
                                            const std::string& path, Node& node) {
  if (!node.choices.empty()) return field_error(path, "stands beside another list of values");
  if (key == "const") {
    node.choices.push_back(value);
    return ok();
  }
  if (!value.is_array() || value.empty()) return field_error(path, "a list of values is required");
  node.choices.assign(value.begin(), value.end());
  return ok();
}

Result<void> Schema::Compiler::take_bound(const std::string& key, const Json& value,
                                          const std::string& path, Node& node) {
  if (!value.is_number()) return field_error(path, "a number is required");
  auto& bound = key == "minimum" || key == "exclusiveMinimum" ? node.min : node.max;
  if (bound) return field_error(path, "stands beside another bound of the same side");
  bound = Node::Bound{value, key.starts_with("exclusive")};
  return ok();
}

Result<void> Schema::Compiler::take_count(const std::string& key, const Json& value,
                                          const std::string& path, Node& node) {
  if (!value.is_number_integer() || value < 0)
    return field_error(path, "a whole number from 0 is required");
  Node::Counts& counts = key.ends_with("Items") ? node.item_count : node.characters;
  (key.starts_with("min") ? counts.min : counts.max) = value.get<std::size_t>();
  if (counts.min > counts.max)
    return field_error(path, "leaves nothing: the least is above the most");
  return ok();
}

Result<void> Schema::Compiler::take_text(const std::string& key, const Json& value,
                                         const std::string& path, Node& node) {
  if (!value.is_string()) return field_error(path, "a string is required");
  const auto& text = value.get_ref<const std::string&>();
  if (key == "pattern") {
    auto regex = policy::Regex::make(text, {.dot_is_line_end_too = false});
    if (!regex.ok())
      return field_error(path, regex.error().message.substr(std::string("pattern: ").size()));
    node.pattern = std::move(regex).value();
    return ok();
  }
  const auto* const known = std::find_if(std::begin(kFormats), std::end(kFormats),
                                         [&](const auto& format) { return text == format.first; });
  if (known == std::end(kFormats))
    return field_error(path, "is not one of date, time, date-time, uuid");
  TRY(node.format, policy::Regex::make(known->second));
  node.format_name = text;
  return ok();
}

}  // namespace hearth::tools
