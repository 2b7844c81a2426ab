#include <array>

#include "base/utf8.h"
#include "dialect/anthropic.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::anthropic {
namespace {

struct Row {
  int status;
  const char* type;
};
// Source: docs.anthropic.com/en/api/errors
constexpr std::array<Row, 11> kRows = {{{400, "invalid_request_error"},
                                        {401, "authentication_error"},
                                        {402, "billing_error"},
                                        {403, "permission_error"},
                                        {404, "not_found_error"},
                                        {413, "request_too_large"},
                                        {422, "invalid_request_error"},
                                        {429, "rate_limit_error"},
                                        {500, "api_error"},
                                        {504, "timeout_error"},
                                        {529, "overloaded_error"}}};

std::string type_of(int status) {
  for (const Row& row : kRows)
    if (row.status == status) return row.type;
  return status >= 500 ? "api_error" : "invalid_request_error";
}

int status_of_type(const std::string& type) {
  for (const Row& row : kRows)
    if (type == row.type) return row.status;
  return 500;
}

}  // namespace

int status_of(const Error& error) {
  switch (error.code) {
    case Code::InvalidInput: return 400;
    case Code::Denied: return 403;
    case Code::NotFound: return 404;
    case Code::TooLarge: return 413;
    case Code::Busy: return 429;
    case Code::Timeout: return 504;
    case Code::Unavailable: return 529;
    case Code::Cancelled:
    case Code::Corrupt:
    case Code::Internal: return 500;
  }
  return 500;
}

Json write_error(const Error& error) { return write_error(status_of(error), error.message); }

Json write_error(int status, std::string_view message) {
  return {{"type", "error"}, {"error", {{"type", type_of(status)}, {"message", to_utf8(message)}}}};
}

/// The type counts where there is no status, as inside a stream.
Error read_error(int status, std::string_view body) {
  const auto json = parse_json(body, "the provider's error");
  if (!json.ok()) return provider_error(status, status == 0 ? body : std::string_view());
  const Json& error = at(json.value(), "error");
  const std::string said = text_at(error, "message"), type = text_at(error, "type");
  const int meant = status != 0 ? status : status_of_type(type);
  Error out = provider_error(meant, said);
  const bool is_too_long = meant == 400 && said.find("prompt is too long") != std::string::npos;
  if (is_too_long) out.code = Code::TooLarge;
  return out;
}

}  // namespace hearth::dialect::anthropic
