#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

/// The one table from Codes to HTTP, and the error envelopes. Pure; any thread.
/// Source: platform.openai.com/docs/guides/error-codes and the official SDKs' error classes.
namespace hearth::api {

/// Whose dialect an endpoint speaks: how its errors look.
enum class Face : std::uint8_t { OpenAi, Anthropic, Ollama };

/// One error as the wire shows it.
struct HttpError {
  int status = 500;
  std::string message;
  std::string type;       // "invalid_request_error", "server_error", ...
  std::string field{};    // `param`; null when empty
  std::string code{};     // null when empty
  int retry_after_s = 0;  // 0: no Retry-After header
};

/// How long a refused client is asked to wait.
inline constexpr int kRetryBusySeconds = 2;
inline constexpr int kRetryUnavailableSeconds = 5;

/// For an error of a room below, at any place but inside a generation. A full disk (TooLarge with
/// the field store::kDiskField) is 507 "insufficient_storage".
HttpError http_error(const Error& error);
/// For an error of a model about its input: a prompt that does not fit is the client's mistake, 400
/// "context_length_exceeded", with `input_field` as the field where the error names none.
HttpError model_error(const Error& error, std::string_view input_field);
/// For errors that only HTTP has (405, 415, 431, ...); also the server's own, see
/// ServerOptions::error_body.
HttpError status_error(int status, std::string message, std::string field = "",
                       std::string code = "");

/// The error as JSON text: {"error":{"message","type","param","code"}} of OpenAI,
/// {"type":"error","error":{"type","message"}} of Anthropic, {"error":"message"} of Ollama.
std::string envelope(const HttpError& error, Face face = Face::OpenAi);
/// With the status that the dialect has for it: Anthropic says 529 when nothing can be had now, and
/// Ollama 503 when there is too much.
net::Response error_response(const HttpError& error, Face face = Face::OpenAi);

}  // namespace hearth::api
