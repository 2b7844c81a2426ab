#pragma once
#include <string>

#include "dialect/lost.h"
#include "net/http.h"

namespace hearth::api {

/// Tells a client what of its request, or of the answer, its dialect could not carry.
inline constexpr const char* kLostHeader = "x-hearth-lost";
inline constexpr std::size_t kLostHeaderBytesMax = 1'024;  // of its value

/// Adds kLostHeader to `headers` if something was lost: the lines, with "; " between them. What
/// is no printable ASCII becomes '?', and what is longer than the bound is cut and ends with "...".
void add_lost(net::Headers& headers, const dialect::Lost& lost);

}  // namespace hearth::api
