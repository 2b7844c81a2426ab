#include "api/http/errors.h"

#include <nlohmann/json.hpp>

#include "chat/message_json.h"
#include "dialect/anthropic.h"
#include "dialect/ollama.h"
#include "store/store.h"

namespace hearth::api {
namespace {

struct Row {
  int status;
  const char* type;
  const char* code;  // "": null on the wire
  int retry_after_s;
};

Row row_of(Code code) {
  switch (code) {
    case Code::InvalidInput: return {400, "invalid_request_error", "", 0};
    case Code::Denied: return {403, "permission_error", "", 0};
    case Code::NotFound: return {404, "invalid_request_error", "not_found", 0};
    case Code::TooLarge: return {413, "invalid_request_error", "too_large", 0};
    case Code::Busy: return {429, "rate_limit_error", "rate_limit_exceeded", kRetryBusySeconds};
    case Code::Cancelled: return {499, "server_error", "cancelled", 0};
    case Code::Unavailable: return {503, "server_error", "unavailable", kRetryUnavailableSeconds};
    case Code::Timeout: return {504, "server_error", "timeout", 0};
    case Code::Corrupt: return {500, "server_error", "", 0};
    case Code::Internal: return {500, "server_error", "", 0};
  }
  return {500, "server_error", "", 0};
}

bool names_the_prompt(const std::string& field) {
  return field.empty() || field == "messages" || field == "prompt" || field.starts_with("input");
}

Row row_of_status(int status) {
  switch (status) {
    case 401: return {401, "invalid_request_error", "invalid_api_key", 0};
    case 403: return row_of(Code::Denied);
    case 405: return {405, "invalid_request_error", "method_not_supported", 0};
    case 413: return row_of(Code::TooLarge);
    case 429: return row_of(Code::Busy);
    case 503: return row_of(Code::Unavailable);
    default: break;
  }
  return {status, status >= 500 ? "server_error" : "invalid_request_error", "", 0};
}

/// No limit of ours, and nothing that the client could do differently.
bool is_full_disk(const Error& error) {
  return error.code == Code::TooLarge && error.field == store::kDiskField;
}

/// What each dialect's clients know how to wait for.
int status_of(const HttpError& error, Face face) {
  constexpr int kOverloaded = 529;
  if (face == Face::Anthropic && error.status == 503) return kOverloaded;
  if (face == Face::Ollama && error.status == 429) return 503;
  return error.status;
}

std::string openai_envelope(const HttpError& error) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
  };
  nlohmann::ordered_json body;
  body["message"] = error.message;
  body["type"] = error.type;
  body["param"] = text_or_null(error.field);
  body["code"] = text_or_null(error.code);
  const nlohmann::ordered_json whole = {{"error", std::move(body)}};
  // A message may quote bytes that came from outside; those that are not UTF-8 are replaced.
  return whole.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

HttpError http_error(const Error& error) {
  if (is_full_disk(error)) return {507, error.message, "server_error", "", "insufficient_storage"};
  const Row row = row_of(error.code);
  return {row.status, error.message, row.type, error.field, row.code, row.retry_after_s};
}

HttpError model_error(const Error& error, std::string_view input_field) {
  HttpError shown = http_error(error);
  if (error.code != Code::TooLarge || is_full_disk(error)) return shown;
  shown.status = 400;
  shown.code = "";
  if (!names_the_prompt(error.field)) return shown;
  shown.code = "context_length_exceeded";
  if (error.field.empty()) shown.field = input_field;
  return shown;
}

HttpError status_error(int status, std::string message, std::string field, std::string code) {
  const Row row = row_of_status(status);
  if (code.empty()) code = row.code;
  return {status,           std::move(message), row.type,
          std::move(field), std::move(code),    row.retry_after_s};
}

std::string envelope(const HttpError& error, Face face) {
  switch (face) {
    case Face::OpenAi: return openai_envelope(error);
    case Face::Anthropic:
      return chat::json_text(
          dialect::anthropic::write_error(status_of(error, face), error.message));
    case Face::Ollama:
      return chat::json_text(dialect::ollama::write_error({Code::Internal, error.message, {}}));
  }
  return "";
}

net::Response error_response(const HttpError& error, Face face) {
  net::Response response{
      status_of(error, face), envelope(error, face), {{"Content-Type", "application/json"}}};
  if (error.retry_after_s > 0)
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  // Work that ran into its time limit would run into it again: the SDKs shall not repeat it
  // unasked.
  if (error.status == 504) response.headers.emplace_back("x-should-retry", "false");
  return response;
}

}  // namespace hearth::api
