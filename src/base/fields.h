#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// JSON whose objects keep the order in which their members came: a model writes the members of its
/// answer in the order of the schema.
using Json = nlohmann::ordered_json;

/// Members of one object; finding one takes time in proportion to their number.
inline constexpr std::size_t kMembersMax = 4'096;

/// Reads one JSON object field by field and remembers where it stands, so that each error names its
/// field: {InvalidInput, "messages[2].content: a string is required", "messages[2].content"}.
/// A field that is null counts as absent. Borrows the JSON value, which must outlive it.
/// Errors of every reader: InvalidInput (absent, wrong type, out of range), always with `field`
/// set.
class Fields {
 public:
  /// `path` is where the object stands ("" at the top, "tools[0]" inside). Errors: InvalidInput (no
  /// object).
  static Result<Fields> of(const Json& value, std::string path = "");
  static Result<Fields> of(Json&&, std::string path = "") = delete;  // would be gone at once

  /// The field, or nullptr if it is absent or null.
  const Json* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The full name of a field: "messages[2].content".
  std::string path(std::string_view name) const;

  Result<std::string> text(std::string_view name) const;
  Result<std::string> text_or(std::string_view name, std::string fallback) const;
  Result<bool> flag_or(std::string_view name, bool fallback) const;

  struct Range {
    double min, max;  // both inclusive
  };
  Result<double> number_or(std::string_view name, double fallback, Range range) const;
  Result<std::optional<double>> number(std::string_view name, Range range) const;

  struct WholeRange {
    std::int64_t min, max;  // both inclusive
  };
  /// Accepts 3 and 3.0, not 3.5.
  Result<std::int64_t> whole_or(std::string_view name, std::int64_t fallback,
                                WholeRange range) const;
  Result<std::optional<std::int64_t>> whole(std::string_view name, WholeRange range) const;

  /// A present array, or nullptr when absent. `items_max` bounds its length.
  Result<const Json*> array(std::string_view name, std::size_t items_max) const;

  /// {InvalidInput, "<path>: <problem>", "<path>"} for a check of the caller's own.
  Error wrong(std::string_view name, std::string_view problem) const;

 private:
  Fields(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}
  const Json* value_;
  std::string path_;
};

/// Parses JSON text. `depth_max` bounds the nesting, so that no later recursion can run out of
/// stack, and kMembersMax each object. Of members with one name the last counts. Errors:
/// InvalidInput (names the byte where it broke, or the bound).
Result<Json> parse_json(std::string_view text, std::string_view what, int depth_max = 64);

/// {InvalidInput, "<field>: <problem>", "<field>"}.
Error field_error(std::string field, std::string_view problem);

}  // namespace hearth
