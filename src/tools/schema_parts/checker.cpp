#include "tools/schema_parts/checker.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace hearth::tools {
namespace {

constexpr std::size_t kShownBytesMax = 200;
constexpr double kWholeMax = 9'007'199'254'740'992.0;  // 2^53: beyond, a double is no whole number

bool is_whole(const Json& value) {
  if (value.is_number_unsigned())
    return value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
  if (value.is_number_integer()) return true;
  const double number = value.get<double>();
  return std::trunc(number) == number && std::abs(number) <= kWholeMax;
}

std::uint8_t type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return kObject;
    case Json::value_t::array: return kArray;
    case Json::value_t::string: return kString;
    case Json::value_t::boolean: return kBoolean;
    case Json::value_t::null: return kNull;
    default: return static_cast<std::uint8_t>(is_whole(value) ? kNumber | kInteger : int{kNumber});
  }
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kShownBytesMax) text = "…";
  return text;
}

bool is_above(const Json& a, const Json& b) {
  if (a.is_number_integer() && b.is_number_integer() && is_whole(a) && is_whole(b))
    return a.get<std::int64_t>() > b.get<std::int64_t>();
  return a.get<double>() > b.get<double>();
}

std::string counted(const char* what, std::size_t min, std::size_t max) {
  if (max == std::numeric_limits<std::size_t>::max())
    return "at least " + std::to_string(min) + " " + what + " are required";
  return std::to_string(min) + " to " + std::to_string(max) + " " + what + " are allowed";
}

std::size_t characters_in(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string Schema::Checker::wanted(const Node& node) {
  constexpr std::pair<TypeBit, const char*> kNames[] = {
      {kObject, "an object"}, {kArray, "an array"},         {kString, "a string"},
      {kNumber, "a number"},  {kInteger, "a whole number"}, {kBoolean, "true or false"},
      {kNull, "null"}};
  std::string text;
  for (const auto& [type, name] : kNames)
    if (node.types & type) text += (text.empty() ? "" : " or ") + std::string(name);
  if (!(node.types & (kNumber | kInteger))) return text;
  if (node.min) text += (node.min->is_open ? " above " : " from ") + shown(node.min->value);
  if (node.max) text += (node.max->is_open ? " below " : " to ") + shown(node.max->value);
  return text;
}

bool Schema::Checker::is_within(const Node& node, const Json& value) {
  const bool too_small = node.min && (node.min->is_open ? !is_above(value, node.min->value)
                                                        : is_above(node.min->value, value));
  const bool too_large = node.max && (node.max->is_open ? !is_above(node.max->value, value)
                                                        : is_above(value, node.max->value));
  return !too_small && !too_large;
}

Result<void> Schema::Checker::check_type(const Node& node, const Json& value,
                                         const std::string& path) {
  const bool is_right = (node.types & type_of(value)) != 0;
  if (is_right && (!value.is_number() || is_within(node, value))) return ok();
  return field_error(path, wanted(node) + " is required");
}

Result<void> Schema::Checker::check(const Node& node, const Json& value, const std::string& path) {
  TRY_VOID(check_type(node, value, path));
  if (!node.choices.empty() &&
      std::find(node.choices.begin(), node.choices.end(), value) == node.choices.end()) {
    std::string all;
    for (const Json& choice : node.choices) all += (all.empty() ? "" : ", ") + shown(choice);
    return field_error(path,
                       "is not one of " + all.substr(0, utf8_complete_bytes(all.substr(0, 500))));
  }
  if (value.is_object()) TRY_VOID(check_object(node, value, path));
  if (value.is_array()) TRY_VOID(check_array(node, value, path));
  if (value.is_string()) TRY_VOID(check_text(node, value, path));
  return node.forms.empty() ? ok() : check_forms(node, value, path);
}

Result<void> Schema::Checker::check_object(const Node& node, const Json& value,
                                           const std::string& path) {
  std::string known;
  for (const Node::Property& one : node.properties) {
    known += (known.empty() ? "" : ", ") + one.name;
    const auto found = value.find(one.name);
    if (found != value.end()) {
      TRY_VOID(check(*one.node, *found, path + "." + one.name));
    } else if (one.is_required) {
      return field_error(path + "." + one.name, "required");
    }
  }
  for (const auto& [name, member] : value.items()) {
    const bool is_known =
        std::any_of(node.properties.begin(), node.properties.end(),
                    [&, &wanted = name](const auto& one) { return one.name == wanted; });
    if (is_known) continue;
    const std::string place =
        path + "." + name.substr(0, utf8_complete_bytes(name.substr(0, kShownBytesMax)));
    if (!node.takes_others)
      return field_error(place, "unknown; known are: " + (known.empty() ? "none" : known));
    if (node.others) TRY_VOID(check(*node.others, member, place));
  }
  return ok();
}

Result<void> Schema::Checker::check_array(const Node& node, const Json& value,
                                          const std::string& path) {
  if (value.size() < node.item_count.min || value.size() > node.item_count.max)
    return field_error(path, "has " + std::to_string(value.size()) + " items; " +
                                 counted("items", node.item_count.min, node.item_count.max));
  if (!node.items) return ok();
  for (std::size_t i = 0; i < value.size(); ++i)
    TRY_VOID(check(*node.items, value[i], path + "[" + std::to_string(i) + "]"));
  return ok();
}

Result<void> Schema::Checker::check_text(const Node& node, const Json& value,
                                         const std::string& path) {
  const auto& text = value.get_ref<const std::string&>();
  const std::size_t characters = characters_in(text);
  if (characters < node.characters.min || characters > node.characters.max)
    return field_error(path, "has " + std::to_string(characters) + " characters; " +
                                 counted("characters", node.characters.min, node.characters.max));
  if (node.pattern && !node.pattern->is_found_in(text))
    return field_error(path, "does not match the pattern " + node.pattern->pattern());
  if (node.format && !node.format->describes(text))
    return field_error(path, "is no " + node.format_name);
  return ok();
}

Result<void> Schema::Checker::check_forms(const Node& node, const Json& value,
                                          const std::string& path) {
  std::size_t fitting = 0;
  std::string first_problem;
  for (const Node& form : node.forms) {
    const auto fits = check(form, value, path);
    fitting += fits.ok() ? 1 : 0;
    if (!fits.ok() && first_problem.empty()) first_problem = fits.error().message;
  }
  if (fitting == 1 || (fitting > 1 && !node.exactly_one_form)) return ok();
  if (fitting > 1)
    return field_error(path, "fits more than one of the forms that exclude each other");
  return field_error(path, "fits none of " + std::to_string(node.forms.size()) +
                               " forms; of the first: " + first_problem);
}

}  // namespace hearth::tools
