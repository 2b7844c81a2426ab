#pragma once
#include <string>

#include "tools/schema_parts/node.h"

namespace hearth::tools {

/// Checks a value against nodes. Its recursion is as deep as the value, whose depth was bounded
/// when it was parsed.
class Schema::Checker {
 public:
  /// Errors: InvalidInput, with `path` in front.
  static Result<void> check(const Node& node, const Json& value, const std::string& path);

 private:
  static Result<void> check_type(const Node& node, const Json& value, const std::string& path);
  static bool is_within(const Node& node, const Json& value);
  static std::string wanted(const Node& node);  // "a whole number from 1 to 10"
  static Result<void> check_object(const Node& node, const Json& value, const std::string& path);
  static Result<void> check_array(const Node& node, const Json& value, const std::string& path);
  static Result<void> check_text(const Node& node, const Json& value, const std::string& path);
  static Result<void> check_forms(const Node& node, const Json& value, const std::string& path);
};

}  // namespace hearth::tools
