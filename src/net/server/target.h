#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::net {

/// The two halves of a request target.
struct Target {
  std::string path;   // percent-decoded, starts with '/' (or is "*")
  std::string query;  // as sent, without the '?'
};

/// Splits a request target in origin form ("/v1/models?x=1"), absolute form ("http://host/v1") or
/// asterisk form ("*"). '+' stays '+': only queries give it a meaning.
/// Errors: InvalidInput (another form, a broken escape, a NUL byte). Source: RFC 9112, section 3.2.
Result<Target> parse_target(std::string_view text);

}  // namespace hearth::net
