#include "engine/schema/demands.h"

#include <algorithm>
#include <array>

namespace hearth::engine {
namespace {

constexpr std::size_t kSchemasTogetherMax = 256;  // that speak of one value

constexpr std::pair<const char*, std::uint8_t> kTypeNames[] = {
    {"object", kObjectType},  {"array", kArrayType},     {"string", kStringType},
    {"number", kNumberTypes}, {"integer", kIntegerType}, {"boolean", kBooleanType},
    {"null", kNullType}};

// Words for people, and places that only references lead to.
constexpr std::array kSilent = {
    "title",      "description",
    "default",    "examples",
    "deprecated", "readOnly",
    "writeOnly",  "$schema",
    "$id",        "$comment",
    "$defs",      "definitions",
    "strict",     "properties",
    "required",   "additionalProperties"};  // the last three: take_members()

bool is_one_of(const std::string& key, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

bool is_tighter(const Demands::Bound& a, const Demands::Bound& b, bool is_low) {
  const double x = a.value.get<double>(), y = b.value.get<double>();
  if (x != y) return is_low ? x > y : x < y;
  return a.is_open && !b.is_open;
}

/// One step of a JSON pointer, with ~1 and ~0 read back.
std::string unescaped(std::string step) {
  for (const auto& [from, to] : {std::pair("~1", "/"), std::pair("~0", "~")}) {
    for (std::size_t at = 0; (at = step.find(from, at)) != std::string::npos; ++at)
      step.replace(at, 2, to);
  }
  return step;
}

const Json* step_into(const Json& from, const std::string& step) {
  if (from.is_object()) {
    const auto found = from.find(step);
    return found == from.end() ? nullptr : &*found;
  }
  const bool is_number =
      !step.empty() && step.size() < 6 && step.find_first_not_of("0123456789") == std::string::npos;
  if (!from.is_array() || !is_number) return nullptr;
  const auto index = static_cast<std::size_t>(std::stoul(step));
  return index < from.size() ? &from[index] : nullptr;
}

void add_schema(Demands::Schemas& all, const Json& schema) {
  if (std::find(all.begin(), all.end(), &schema) == all.end()) all.push_back(&schema);
}

Demands::Property& property_named(Demands& out, const std::string& name) {
  const auto found = std::ranges::find(out.properties, name, &Demands::Property::name);
  if (found != out.properties.end()) return *found;
  return out.properties.emplace_back(Demands::Property{.name = name});
}

}  // namespace

std::string place_in(const std::string& place, const std::string& key) {
  return place.empty() ? key : place + "." + key;
}

Error schema_error(const std::string& place, const std::string& problem) {
  return {Code::InvalidInput, (place.empty() ? "" : place + ": ") + problem};
}

std::size_t Demands::weight() const {
  const std::size_t values = choices ? choices->size() : 0;
  std::size_t weight = 32 + 8 * (values + patterns.size() + formats.size() + required.size());
  for (const Property& property : properties) weight += 16 + property.schemas.size();
  for (const auto& names : fences) weight += 8 + 8 * names.size();
  for (const Schemas& schemas : tuple) weight += 8 + schemas.size();
  for (const Forms& one : forms) weight += 16 + one.list.size();
  return weight;
}

void DemandReader::loosen(const std::string& place, std::string_view why) {
  constexpr std::size_t kLoosenedMax = 32;
  std::string line = place + (why.empty() ? "" : ": ") + std::string(why);
  const bool is_known = std::find(loosened_.begin(), loosened_.end(), line) != loosened_.end();
  if (!is_known && loosened_.size() < kLoosenedMax) loosened_.push_back(std::move(line));
}

Result<void> DemandReader::add(const Json& schema, const std::string& place, Demands& out) {
  Seen seen;
  return add(schema, place, out, seen);
}

Result<void> DemandReader::add(const Json& schema, const std::string& place, Demands& out,
                               Seen& seen) {
  work_.spend(32);
  TRY_VOID(work_.check());
  if (!seen.insert(&schema).second) return ok();  // refers to itself: asks nothing new
  if (seen.size() > kSchemasTogetherMax)
    return schema_error(place, "more than 256 schemas speak of one value");
  if (schema.is_boolean()) {
    if (!schema.get<bool>()) out.types = 0;
    return ok();
  }
  if (!schema.is_object()) return schema_error(place, "a schema is an object");
  const At at{schema, place, out, seen};
  for (const auto& [key, value] : schema.items()) TRY_VOID(take(key, value, at));
  return take_members(at);
}

Result<void> DemandReader::take(const std::string& key, const Json& value, const At& at) {
  if (key == "$ref") return take_reference(value, at);
  if (key == "type") return take_types(value, at);
  if (key == "enum") return take_choices(value, at);
  if (key == "const") return take_choices(Json::array({value}), at);
  if (is_one_of(key, {"anyOf", "oneOf", "allOf"})) return take_forms(key, value, at);
  if (is_one_of(key, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}))
    return take_bound(key, value, at);
  if (is_one_of(key, {"minItems", "maxItems", "minLength", "maxLength"}))
    return take_count(key, value, at);
  if (is_one_of(key, {"pattern", "format"})) return take_text(key, value, at);
  if (is_one_of(key, {"items", "prefixItems"})) return take_items(key, value, at);
  const bool is_silent = std::find(kSilent.begin(), kSilent.end(), key) != kSilent.end();
  if (!is_silent) loosen(place_in(at.place, key), "is not understood");
  return ok();
}

Result<void> DemandReader::take_reference(const Json& value, const At& at) {
  const std::string place = place_in(at.place, "$ref");
  if (!value.is_string()) return schema_error(place, "a string is required");
  const auto& reference = value.get_ref<const std::string&>();
  if (reference != "#" && !reference.starts_with("#/"))
    return schema_error(place, "unsupported $ref: only those into the same schema (\"#/…\") are");
  const Json* target = &root_;
  for (std::size_t begin = 2; target && begin <= reference.size() && reference != "#";) {
    const std::size_t end = std::min(reference.find('/', begin), reference.size());
    target = step_into(*target, unescaped(reference.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (!target) return schema_error(place, "what it refers to is not found");
  return add(*target, at.place, at.out, at.seen);
}

Result<void> DemandReader::take_types(const Json& value, const At& at) {
  const std::string place = place_in(at.place, "type");
  const Json list = value.is_array() ? value : Json::array({value});
  if (list.empty()) return schema_error(place, "must not be empty");
  std::uint8_t types = 0;
  for (const Json& one : list) {
    const auto* const known =
        std::find_if(std::begin(kTypeNames), std::end(kTypeNames), [&](const auto& type) {
          return one.is_string() && one.get_ref<const std::string&>() == type.first;
        });
    if (known == std::end(kTypeNames)) return schema_error(place, "unrecognized type");
    types = static_cast<std::uint8_t>(types | known->second);
  }
  at.out.types &= types;
  at.out.says_types = true;
  return ok();
}

Result<void> DemandReader::take_choices(const Json& value, const At& at) {
  if (!value.is_array() || value.empty())
    return schema_error(place_in(at.place, "enum"), "a list of values is required");
  std::vector<Json> kept;
  for (const Json& one : value) {
    const auto& before = at.out.choices;
    work_.spend(8 + (before ? before->size() : 0));
    TRY_VOID(work_.check());
    if (!before || std::find(before->begin(), before->end(), one) != before->end())
      kept.push_back(one);
  }
  at.out.choices = std::move(kept);
  return ok();
}

Result<void> DemandReader::take_bound(const std::string& key, const Json& value, const At& at) {
  if (!value.is_number()) return schema_error(place_in(at.place, key), "a number is required");
  const bool is_low = key == "minimum" || key == "exclusiveMinimum";
  const Demands::Bound bound{value, key.starts_with("exclusive")};
  auto& known = is_low ? at.out.low : at.out.high;
  if (!known || is_tighter(bound, *known, is_low)) known = bound;
  return ok();
}

Result<void> DemandReader::take_count(const std::string& key, const Json& value, const At& at) {
  const std::string place = place_in(at.place, key);
  const bool is_whole = value.is_number() && value >= 0 && value <= 1e15 &&
                        value.get<double>() == static_cast<double>(value.get<std::int64_t>());
  if (!is_whole) return schema_error(place, "a whole number from 0 is required");
  const auto count = value.get<std::size_t>();
  Lengths& lengths = key.ends_with("Items") ? at.out.items : at.out.characters;
  if (key.ends_with("Items")) at.out.speaks_of_items = true;
  if (key.starts_with("min")) {
    lengths.min = std::max(lengths.min, count);
  } else {
    lengths.max = std::min(lengths.max.value_or(count), count);
  }
  return ok();
}

Result<void> DemandReader::take_text(const std::string& key, const Json& value, const At& at) {
  if (!value.is_string()) return schema_error(place_in(at.place, key), "a string is required");
  (key == "pattern" ? at.out.patterns : at.out.formats).push_back(value.get<std::string>());
  return ok();
}

Result<void> DemandReader::take_forms(const std::string& key, const Json& value, const At& at) {
  const std::string place = place_in(at.place, key);
  if (!value.is_array()) return schema_error(place, "must be an array of schemas");
  if (value.empty()) return schema_error(place, "must not be empty");
  if (key == "allOf") {
    for (const Json& one : value) TRY_VOID(add(one, at.place, at.out, at.seen));
    return ok();
  }
  Demands::Forms forms{.exactly_one = key == "oneOf", .place = place};
  work_.spend(value.size());
  for (const Json& one : value) forms.list.push_back(&one);
  at.out.forms.push_back(std::move(forms));
  return ok();
}

Result<void> DemandReader::take_items(const std::string& key, const Json& value, const At& at) {
  const std::string place = place_in(at.place, key);
  at.out.speaks_of_items = true;
  if (!value.is_array()) {
    add_schema(at.out.item, value);
    return ok();
  }
  if (!at.out.tuple.empty()) {
    loosen(place, "stands beside another list of items");
    return ok();
  }
  work_.spend(8 * value.size());
  for (const Json& one : value) at.out.tuple.push_back({&one});
  if (value.empty()) at.out.items.max = 0;
  return ok();
}

/// `properties`, `required` and `additionalProperties`, which belong together. Without the last, an
/// object that has properties takes no others.
Result<void> DemandReader::take_members(const At& at) {
  const auto properties = at.schema.find("properties");
  const auto required = at.schema.find("required");
  const auto others = at.schema.find("additionalProperties");
  const auto end = at.schema.end();
  at.out.speaks_of_members |= properties != end || required != end || others != end;
  std::set<std::string> names;
  if (properties != end) {
    if (!properties->is_object())
      return schema_error(place_in(at.place, "properties"), "an object is required");
    for (const auto& [name, schema] : properties->items()) {
      work_.spend(16 + at.out.properties.size());
      names.insert(name);
      add_schema(property_named(at.out, name).schemas, schema);
    }
  }
  if (required != end && required->is_array()) {
    work_.spend(16 * required->size());
    for (const Json& name : *required)
      if (name.is_string()) at.out.required.insert(name.get<std::string>());
  }
  if (others == end) {
    at.out.is_closed |= properties != end;
  } else if (others->is_boolean() && !others->get<bool>()) {
    at.out.is_closed = true;
    at.out.fences.push_back(std::move(names));
  } else if (others->is_object()) {
    add_schema(at.out.others, *others);
  } else if (!others->is_boolean()) {
    return schema_error(place_in(at.place, "additionalProperties"),
                        "a boolean or a schema is required");
  }
  return ok();
}

}  // namespace hearth::engine
