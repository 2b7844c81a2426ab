#include <algorithm>
#include <array>
#include <set>

#include "dialect/gemini.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::gemini {
namespace {

// A reference is said by what it refers to, which may hold others: so deep, and so much in all.
constexpr int kReferencesMax = 8;
constexpr std::size_t kSchemasMax = 4'096;

/// Kept as they are. Source: ai.google.dev/api/caching#Schema
constexpr std::array<std::string_view, 14> kKept = {
    "title",         "description",   "nullable", "minItems", "maxItems",
    "minLength",     "maxLength",     "pattern",  "minimum",  "maximum",
    "minProperties", "maxProperties", "example",  "default"};
/// Read below.
constexpr std::array<std::string_view, 12> kRead = {
    "type",  "format", "enum",  "const", "properties", "required",
    "items", "anyOf",  "oneOf", "$ref",  "$defs",      "definitions"};
/// Says nothing that a model would follow.
constexpr std::array<std::string_view, 4> kRemarks = {"$schema", "$id", "$comment", "examples"};

template <std::size_t kCount>
bool is_among(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

class SchemaWriter {
 public:
  SchemaWriter(const Json& root, Lost& lost) : root_(root), lost_(lost) {}
  Json write(const Json& schema, const std::string& path);

 private:
  void write_type(const Json& schema, const std::string& path, Json& out);
  void write_values(const Json& schema, const std::string& path, Json& out);
  void write_format(const Json& schema, const std::string& path, Json& out);
  void write_properties(const Json& schema, const std::string& path, Json& out);
  void write_items(const Json& schema, const std::string& path, Json& out);
  void write_choices(const Json& schema, const std::string& path, Json& out);
  const Json& target_of(const std::string& reference) const;
  Json write_reference(const Json& schema, const std::string& path);

  const Json& root_;
  Lost& lost_;
  int references_ = 0;
  std::size_t schemas_ = 0;
};

Json SchemaWriter::write(const Json& schema, const std::string& path) {
  Json out = Json::object();
  if (++schemas_ > kSchemasMax) {
    lost_.add(path, "is beyond the " + std::to_string(kSchemasMax) + " parts that are sent");
    return out;
  }
  if (!schema.is_object()) {
    if (schema != true) lost_.add(path, "is no schema that can be said here");
    return out;
  }
  if (schema.contains("$ref")) return write_reference(schema, path);
  write_type(schema, path, out);
  for (const auto& [name, value] : schema.items()) {
    if (is_among(kKept, name) && !value.is_null())
      out[name] = value;
    else if (!is_among(kRead, name) && !is_among(kRemarks, name))
      lost_.add(path + "." + name, "is refused by Gemini");
  }
  write_format(schema, path, out);
  write_values(schema, path, out);
  write_properties(schema, path, out);
  write_items(schema, path, out);
  write_choices(schema, path, out);
  return out;
}

/// A list of types may only say that null is one of them.
void SchemaWriter::write_type(const Json& schema, const std::string& path, Json& out) {
  const Json& type = at(schema, "type");
  if (type.is_string()) out["type"] = type;
  if (!type.is_array()) return;
  std::vector<std::string> names;
  for (const Json& one : type) {
    if (one == "null")
      out["nullable"] = true;
    else if (one.is_string())
      names.push_back(one.get<std::string>());
  }
  if (names.size() == 1) {
    out["type"] = names[0];
    return;
  }
  for (const std::string& name : names) out["anyOf"].push_back({{"type", name}});
  if (names.empty()) lost_.add(path + ".type", "null alone is refused by Gemini");
}

void SchemaWriter::write_format(const Json& schema, const std::string& path, Json& out) {
  constexpr std::array<std::string_view, 6> kFormats = {"date-time", "enum",  "float",
                                                        "double",    "int32", "int64"};
  const std::string format = text_at(schema, "format");
  if (format.empty()) return;
  if (is_among(kFormats, format))
    out["format"] = format;
  else
    lost_.add(path + ".format", format + " is refused by Gemini");
}

/// Only strings may be listed.
void SchemaWriter::write_values(const Json& schema, const std::string& path, Json& out) {
  Json values = at(schema, "enum");
  if (schema.contains("const")) values = Json::array({schema["const"]});
  if (!values.is_array() || values.empty()) return;
  const bool all_texts = std::ranges::all_of(values, [](const Json& v) { return v.is_string(); });
  const char* const name = schema.contains("const") ? ".const" : ".enum";
  if (!all_texts) return lost_.add(path + name, "Gemini lists strings only");
  out["type"] = "string";
  out["enum"] = std::move(values);
}

/// A name that is required must be among the properties, and there must be one.
void SchemaWriter::write_properties(const Json& schema, const std::string& path, Json& out) {
  const Json& properties = at(schema, "properties");
  if (properties.is_object())
    for (const auto& [name, value] : properties.items())
      out["properties"][name] = write(value, path + ".properties." + name);
  const Json& required = at(schema, "required");
  if (!required.is_array()) return;
  for (const Json& name : required) {
    if (name.is_string() && at(properties, name.get<std::string>()).is_object())
      out["required"].push_back(name);
    else
      lost_.add(path + ".required", "names what is no property");
  }
}

void SchemaWriter::write_items(const Json& schema, const std::string& path, Json& out) {
  const Json& items = at(schema, "items");
  if (items.is_object()) out["items"] = write(items, path + ".items");
  // Refused without: "items: missing field"
  if (items.is_null() && out.value("type", Json()) == "array") out["items"] = Json::object();
  if (items.is_array()) lost_.add(path + ".items", "one for each place is refused by Gemini");
}

void SchemaWriter::write_choices(const Json& schema, const std::string& path, Json& out) {
  for (const char* name : {"anyOf", "oneOf"}) {
    const Json& choices = at(schema, name);
    if (!choices.is_array()) continue;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (at(choices[i], "type") == "null")
        out["nullable"] = true;
      else
        out["anyOf"].push_back(write(choices[i], item(path + "." + name, i)));
    }
    if (std::string_view(name) == "oneOf") lost_.add(path + ".oneOf", "is said as anyOf");
  }
}

/// "#/$defs/a" and the like, of this schema.
const Json& SchemaWriter::target_of(const std::string& reference) const {
  const Json* target = &root_;
  if (reference == "#") return root_;
  if (!reference.starts_with("#/")) return at(root_, "");
  for (std::size_t begin = 2; begin <= reference.size();) {
    const std::size_t end = std::min(reference.find('/', begin), reference.size());
    target = &at(*target, std::string_view(reference).substr(begin, end - begin));
    begin = end + 1;
  }
  return *target;
}

Json SchemaWriter::write_reference(const Json& schema, const std::string& path) {
  const Json& target = target_of(text_at(schema, "$ref"));
  if (!target.is_object() || references_ == kReferencesMax) {
    lost_.add(path + ".$ref", "is refused by Gemini, and cannot be put in its place");
    return Json::object();
  }
  ++references_;
  Json out = write(target, path);
  --references_;
  for (const char* name : {"title", "description"})
    if (schema.contains(name)) out[name] = schema[name];
  return out;
}

}  // namespace

Json schema_subset(const Json& schema, const std::string& path, Lost& lost) {
  return SchemaWriter(schema, lost).write(schema, path);
}

}  // namespace hearth::dialect::gemini
