#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

/// What a request's query says ("q=two+words&limit=20"). Pure; any thread.
namespace hearth::api {

/// The first value of this name, decoded: %XX is a byte, '+' a space. nullopt if it is not there.
/// Errors: InvalidInput (names the field: a broken escape, a NUL byte).
Result<std::optional<std::string>> query_text(std::string_view query, std::string_view name);

/// The same as a whole number; `fallback` if it is not there. Errors: InvalidInput (no whole number
/// from 0 to `most`).
Result<std::size_t> query_number(std::string_view query, std::string_view name,
                                 std::size_t fallback, std::size_t most);

}  // namespace hearth::api
