#include "engine/wire/readers.h"

#include "base/utf8.h"

namespace hearth::engine::wire {
namespace {

using json = nlohmann::ordered_json;

constexpr std::int64_t kTokenMax = std::numeric_limits<chat::Token>::max();

}  // namespace

Result<std::string> read_text_item(const json& item, const std::string& path, std::size_t bytes_min,
                                   std::size_t bytes_max) {
  if (!item.is_string()) return field_error(path, "a string is required");
  const auto& text = item.get_ref<const std::string&>();
  if (text.size() < bytes_min || text.size() > bytes_max)
    return field_error(path, "has " + std::to_string(text.size()) + " bytes; " +
                                 std::to_string(bytes_min) + " to " + std::to_string(bytes_max) +
                                 " are allowed");
  if (!is_utf8(text)) return field_error(path, "is not valid UTF-8");
  return text;
}

Result<std::string> read_text(const Fields& fields, std::string_view name, std::size_t bytes_max) {
  const auto* item = fields.find(name);
  if (!item) return fields.wrong(name, "a string is required");
  return read_text_item(*item, fields.path(name), 0, bytes_max);
}

Result<std::string> read_text_or_empty(const Fields& fields, std::string_view name,
                                       std::size_t bytes_max) {
  if (!fields.has(name)) return std::string();
  return read_text(fields, name, bytes_max);
}

Result<std::string> read_bytes(const Fields& fields, std::string_view name) {
  const auto* item = fields.find(name);
  if (!item || !item->is_binary()) return fields.wrong(name, "bytes are required");
  const auto& bytes = item->get_binary();
  return std::string(bytes.begin(), bytes.end());
}

Result<bool> read_flag(const Fields& fields, std::string_view name) {
  if (!fields.has(name)) return fields.wrong(name, "true or false is required");
  return fields.flag_or(name, false);
}

Result<std::uint64_t> read_u64(const Fields& fields, std::string_view name) {
  const auto* item = fields.find(name);
  if (!item || !item->is_number_unsigned())
    return fields.wrong(name, "a whole number of 64 bits is required");
  return item->get<std::uint64_t>();
}

Result<std::int64_t> read_whole(const Fields& fields, std::string_view name,
                                Fields::WholeRange range) {
  TRY(const auto value, fields.whole(name, range));
  if (!value) return fields.wrong(name, "a whole number is required");
  return *value;
}

Result<std::uint32_t> read_u32(const Fields& fields, std::string_view name, std::uint32_t min,
                               std::uint32_t max) {
  TRY(const auto value, read_whole(fields, name, {min, max}));
  return static_cast<std::uint32_t>(value);
}

Result<double> read_number(const Fields& fields, std::string_view name, Fields::Range range) {
  TRY(const auto value, fields.number(name, range));  // refuses NaN: it lies in no range
  if (!value) return fields.wrong(name, "a number is required");
  return *value;
}

Result<float> read_float(const Fields& fields, std::string_view name, Fields::Range range) {
  TRY(const double value, read_number(fields, name, range));
  return static_cast<float>(value);
}

Result<float> read_float_above(const Fields& fields, std::string_view name, Fields::Range range) {
  TRY(const float value, read_float(fields, name, range));
  if (!(value > range.min)) return fields.wrong(name, "a number above 0 is required");
  return value;
}

Result<const json*> read_array(const Fields& fields, std::string_view name, std::size_t items_max) {
  TRY(const json* array, fields.array(name, items_max));
  if (!array) return fields.wrong(name, "an array is required");
  return array;
}

Result<std::vector<chat::Token>> read_tokens(const json& array, const std::string& path) {
  std::vector<chat::Token> tokens;
  tokens.reserve(array.size());
  for (const json& item : array) {
    const bool good = item.is_number_unsigned() && item.get<std::uint64_t>() <= kTokenMax;
    if (!good) return field_error(item_path(path, tokens.size()), "a token id is required");
    tokens.push_back(item.get<chat::Token>());
  }
  return tokens;
}

Result<std::vector<chat::Token>> read_tokens(const Fields& fields, std::string_view name) {
  TRY(const json* array, read_array(fields, name));
  return read_tokens(*array, fields.path(name));
}

Result<Fields> read_object(const Fields& fields, std::string_view name) {
  const auto* item = fields.find(name);
  if (!item) return fields.wrong(name, "an object is required");
  return Fields::of(*item, fields.path(name));
}

std::string item_path(const std::string& array_path, std::size_t index) {
  return array_path + "[" + std::to_string(index) + "]";
}

json error_body(const Error& error) {
  return {{"code", static_cast<int>(error.code)},
          {"message", clean(error.message)},
          {"field", clean(error.field)}};
}

Result<chat::Failed> read_error(const Fields& fields) {
  TRY(const auto code, read_enum<Code>(fields, "code", kCodeCount));
  TRY(auto message, read_text(fields, "message"));
  TRY(auto field, read_text(fields, "field"));
  return chat::Failed{Error{code, std::move(message), std::move(field)}};
}

std::string clean(const std::string& text) { return is_utf8(text) ? text : to_utf8(text); }

}  // namespace hearth::engine::wire
