#pragma once
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "chat/generation.h"

/// Readers of single fields beyond base/fields.h, shared by requests and replies. Every one
/// requires its field unless its name says otherwise, and fails with InvalidInput that names it.
namespace hearth::engine::wire {

inline constexpr std::size_t kAnyBytes =
    std::numeric_limits<std::size_t>::max();  // the frame bounds it

/// UTF-8 of at most `bytes_max` bytes.
Result<std::string> read_text(const Fields& fields, std::string_view name,
                              std::size_t bytes_max = kAnyBytes);
/// The same, "" when absent.
Result<std::string> read_text_or_empty(const Fields& fields, std::string_view name,
                                       std::size_t bytes_max = kAnyBytes);
/// UTF-8 that stands in an array.
Result<std::string> read_text_item(const nlohmann::ordered_json& item, const std::string& path,
                                   std::size_t bytes_min, std::size_t bytes_max);
Result<std::string> read_bytes(const Fields& fields, std::string_view name);
Result<bool> read_flag(const Fields& fields, std::string_view name);
Result<std::uint64_t> read_u64(const Fields& fields, std::string_view name);
Result<std::int64_t> read_whole(const Fields& fields, std::string_view name,
                                Fields::WholeRange range);
Result<double> read_number(const Fields& fields, std::string_view name, Fields::Range range);
Result<float> read_float(const Fields& fields, std::string_view name, Fields::Range range);
/// A float in (min, max]: zero would be no choice at all.
Result<float> read_float_above(const Fields& fields, std::string_view name, Fields::Range range);
Result<const nlohmann::ordered_json*> read_array(const Fields& fields, std::string_view name,
                                                 std::size_t items_max = kAnyBytes);
/// Token ids of 0 and more; whether the vocabulary has them is the engine's to check.
Result<std::vector<chat::Token>> read_tokens(const nlohmann::ordered_json& array,
                                             const std::string& path);
Result<std::vector<chat::Token>> read_tokens(const Fields& fields, std::string_view name);
Result<Fields> read_object(const Fields& fields, std::string_view name);

Result<std::uint32_t> read_u32(const Fields& fields, std::string_view name, std::uint32_t min = 0,
                               std::uint32_t max = std::numeric_limits<std::uint32_t>::max());

/// An enum written as its number, below `count`.
template <class Enum>
Result<Enum> read_enum(const Fields& fields, std::string_view name, int count) {
  TRY(const auto value, read_whole(fields, name, {0, count - 1}));
  return static_cast<Enum>(value);
}

/// "items[3]"
std::string item_path(const std::string& array_path, std::size_t index);

nlohmann::ordered_json error_body(const Error& error);
Result<chat::Failed> read_error(const Fields& fields);

/// `text` as it may go to the daemon: what is ill-formed becomes U+FFFD.
std::string clean(const std::string& text);

}  // namespace hearth::engine::wire
