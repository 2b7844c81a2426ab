#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fields.h"

/// How a provider's answers are read: what is absent or of another type is nothing, since a field
/// that one does not need should not cost an answer that was paid for.
namespace hearth::dialect {

/// A member, or JSON's null. The object must outlive it.
const Json& at(const Json& value, std::string_view name);
const Json& at(Json&& value, std::string_view name) = delete;
/// The first of an array, or JSON's null.
const Json& first_of(const Json& array);
std::string text_at(const Json& value, std::string_view name);
/// A count of tokens: 0 if it is none, and at most kCountMax, so that four fit into 32 bits.
inline constexpr std::uint64_t kCountMax = 1'000'000'000;
std::uint32_t count_at(const Json& value, std::string_view name);
bool flag_at(const Json& value, std::string_view name);

/// "path[2]"
std::string item(std::string_view path, std::size_t index);

}  // namespace hearth::dialect
