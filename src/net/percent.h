#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

/// Percent-encoding of URLs. Pure; any thread. Source: RFC 3986, section 2.1.
namespace hearth::net {

/// `text` with each %XX as the byte it means; '+' stays '+'. `what` names the text in errors ("the
/// path"). Errors: InvalidInput (a broken escape, a NUL byte).
Result<std::string> percent_decoded(std::string_view text, std::string_view what);

/// `text` as one segment of a path or one value of a query: everything but letters, digits, '-',
/// '_' and '~' is escaped ('.' too: as a whole segment it would mean something else).
std::string percent_encoded(std::string_view text);

}  // namespace hearth::net
