#include "store/rows/rows.h"

#include <algorithm>

#include "base/fields.h"
#include "base/utf8.h"

namespace hearth::store {

std::optional<std::string> optional_text(const Query& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.text(column));
}

std::optional<std::int64_t> optional_integer(const Query& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

std::int64_t at_most(std::size_t count, std::size_t most) {
  return static_cast<std::int64_t>(std::min(count, most));
}

Result<void> check_bytes(const char* field, std::string_view text, std::size_t most) {
  if (text.size() <= most) return ok();
  return Error{Code::TooLarge,
               std::string(field) + ": at most " + std::to_string(most) + " bytes are allowed",
               field};
}

Result<void> check_text(const char* field, std::string_view text, std::size_t most) {
  if (text.empty()) return field_error(field, "must not be empty");
  TRY_VOID(check_bytes(field, text, most));
  return is_utf8(text) ? ok() : Result<void>(field_error(field, "is not valid UTF-8"));
}

std::string cut_to(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  return text.substr(0, utf8_complete_bytes(std::string_view(text).substr(0, most)));
}

Error nothing_called(const char* what, const std::string& key) {
  return {Code::NotFound,
          std::string("there is no ") + what + " \"" + to_utf8(key.substr(0, 100)) + "\""};
}

}  // namespace hearth::store
