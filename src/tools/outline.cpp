#include "tools/outline.h"

#include "base/fields.h"

namespace hearth::tools {
namespace {

Json outlined(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "type" || key == "enum" || key == "const" || key == "required") {
      out[key] = value;
    } else if (key == "items") {
      out[key] = outlined(value);
    } else if (key == "properties") {
      out[key] = Json::object();
      for (const auto& [name, property] : value.items()) out[key][name] = outlined(property);
    } else if (key == "anyOf" || key == "oneOf") {
      out[key] = Json::array();
      for (const Json& form : value) out[key].push_back(outlined(form));
    }
  }
  return out;
}

}  // namespace

std::string outline_of(std::string_view schema) {
  return outlined(Json::parse(schema, nullptr, false)).dump();
}

}  // namespace hearth::tools
