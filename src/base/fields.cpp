#include "base/fields.h"

#include <cmath>
#include <limits>
#include <vector>

namespace hearth {
namespace {

std::string show(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<std::int64_t>(value));
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string between(std::string_view kind, const std::string& min, const std::string& max) {
  if (min == max) return min + " is required";
  return "a " + std::string(kind) + " from " + min + " to " + max + " is required";
}

/// What is wrong with the shape of the text, found by its brackets and commas outside strings
/// before anything is parsed: the parser recurses, and finds a member by looking at all of its
/// object.
std::optional<std::string> misshapen(std::string_view text, std::size_t depth_max) {
  std::vector<std::size_t> members;  // of each open object, less one; kArray for an array
  constexpr std::size_t kArray = std::numeric_limits<std::size_t>::max();
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      if (c == '\\') ++i;
      continue;
    }
    if (c == '[' || c == '{') members.push_back(c == '{' ? 0 : kArray);
    if (members.size() > depth_max) return "nested deeper than " + std::to_string(depth_max);
    if (members.empty()) continue;
    if (c == ']' || c == '}') members.pop_back();
    if (c == ',' && members.back() != kArray && ++members.back() >= kMembersMax)
      return "with an object of more than " + std::to_string(kMembersMax) + " members";
  }
  return std::nullopt;
}

/// nlohmann's SAX parser tells the place of the first error without throwing.
struct ErrorPlace final : Json::json_sax_t {
  std::size_t at = 0;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    at = position;
    return false;
  }
};

}  // namespace

Error field_error(std::string field, std::string_view problem) {
  std::string message = field.empty() ? std::string(problem) : field + ": " + std::string(problem);
  return {Code::InvalidInput, std::move(message), std::move(field)};
}

Result<Json> parse_json(std::string_view text, std::string_view what, int depth_max) {
  if (const auto problem = misshapen(text, static_cast<std::size_t>(depth_max)))
    return Error{Code::InvalidInput, std::string(what) + ": JSON " + *problem, {}};
  auto value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_discarded()) return value;
  ErrorPlace place;
  Json::sax_parse(text, &place);
  return Error{
      Code::InvalidInput,
      std::string(what) + ": not valid JSON (error at byte " + std::to_string(place.at) + ")",
      {}};
}

Result<Fields> Fields::of(const Json& value, std::string path) {
  if (!value.is_object()) return field_error(std::move(path), "a JSON object is required");
  return Fields(value, std::move(path));
}

const Json* Fields::find(std::string_view name) const {
  const auto found = value_->find(name);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Error Fields::wrong(std::string_view name, std::string_view problem) const {
  return field_error(path(name), problem);
}

Result<std::string> Fields::text(std::string_view name) const {
  const auto* field = find(name);
  if (!field || !field->is_string()) return wrong(name, "a string is required");
  return field->get<std::string>();
}

Result<std::string> Fields::text_or(std::string_view name, std::string fallback) const {
  if (!has(name)) return fallback;
  return text(name);
}

Result<bool> Fields::flag_or(std::string_view name, bool fallback) const {
  const auto* field = find(name);
  if (!field) return fallback;
  if (!field->is_boolean()) return wrong(name, "true or false is required");
  return field->get<bool>();
}

Result<std::optional<double>> Fields::number(std::string_view name, Range range) const {
  const auto* field = find(name);
  if (!field) return std::optional<double>();
  const bool good =
      field->is_number() && field->get<double>() >= range.min && field->get<double>() <= range.max;
  if (!good) return wrong(name, between("number", show(range.min), show(range.max)));
  return std::optional<double>(field->get<double>());
}

Result<double> Fields::number_or(std::string_view name, double fallback, Range range) const {
  TRY(const auto value, number(name, range));
  return value.value_or(fallback);
}

Result<std::optional<std::int64_t>> Fields::whole(std::string_view name, WholeRange range) const {
  const auto* field = find(name);
  if (!field) return std::optional<std::int64_t>();
  const auto problem =
      between("whole number", std::to_string(range.min), std::to_string(range.max));
  if (!field->is_number()) return wrong(name, problem);
  const double rough = field->get<double>();
  // The rough value is exact where it decides: outside the range of int64 or not whole.
  const bool fits = rough == std::floor(rough) && rough >= static_cast<double>(range.min) &&
                    rough <= static_cast<double>(range.max) && std::abs(rough) < 9.2e18;
  if (!fits) return wrong(name, problem);
  const auto value =
      field->is_number_float() ? static_cast<std::int64_t>(rough) : field->get<std::int64_t>();
  if (value < range.min || value > range.max) return wrong(name, problem);
  return std::optional<std::int64_t>(value);
}

Result<std::int64_t> Fields::whole_or(std::string_view name, std::int64_t fallback,
                                      WholeRange range) const {
  TRY(const auto value, whole(name, range));
  return value.value_or(fallback);
}

Result<const Json*> Fields::array(std::string_view name, std::size_t items_max) const {
  const auto* field = find(name);
  if (!field) return static_cast<const Json*>(nullptr);
  if (!field->is_array()) return wrong(name, "an array is required");
  if (field->size() > items_max)
    return wrong(name, "has " + std::to_string(field->size()) + " items, at most " +
                           std::to_string(items_max) + " are allowed");
  return field;
}

}  // namespace hearth
