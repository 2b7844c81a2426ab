#include "api/grpc/codes.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "store/store.h"

namespace hearth::api {
namespace {

constexpr std::size_t kStatusBytesMax = 2'048;  // of a message: clients bound all trailers

grpc::StatusCode code_of(const Error& error) {
  switch (error.code) {
    case Code::InvalidInput: return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::NotFound: return grpc::StatusCode::NOT_FOUND;
    case Code::Denied: return grpc::StatusCode::PERMISSION_DENIED;
    // Clients repeat what was RESOURCE_EXHAUSTED; a prompt that is too long stays too long.
    case Code::TooLarge:
      return error.field == store::kDiskField ? grpc::StatusCode::RESOURCE_EXHAUSTED
                                              : grpc::StatusCode::INVALID_ARGUMENT;
    case Code::Busy: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::Timeout: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::Cancelled: return grpc::StatusCode::CANCELLED;
    case Code::Unavailable: return grpc::StatusCode::UNAVAILABLE;
    case Code::Corrupt: return grpc::StatusCode::DATA_LOSS;
    case Code::Internal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

}  // namespace

grpc::Status grpc_status(const Error& error) {
  const bool names_it = error.field.empty() || error.message.find(error.field) != std::string::npos;
  const std::string message = names_it ? error.message : error.field + ": " + error.message;
  // A message may quote bytes that came from outside; clients read it as UTF-8, in a trailer.
  std::string text = to_utf8(message);
  if (text.size() > kStatusBytesMax) {
    text.resize(kStatusBytesMax);
    text.resize(utf8_complete_bytes(text));
    text += "…";
  }
  return {code_of(error), text};
}

grpc::Status grpc_model_status(Error error) {
  const bool is_input = error.code == Code::TooLarge || error.code == Code::InvalidInput;
  const bool is_prompt = error.field.empty() || error.field.starts_with("messages");
  if (is_input && is_prompt) error.field = "prompt";
  return grpc_status(error);
}

grpc::Status grpc_gate_status(const HttpError& refused) {
  const auto code = refused.status == 401 ? grpc::StatusCode::UNAUTHENTICATED
                                          : grpc::StatusCode::PERMISSION_DENIED;
  return {code, to_utf8(refused.message)};
}

const char* grpc_code_name(grpc::StatusCode code) {
  constexpr std::array kNames{"OK",
                              "CANCELLED",
                              "UNKNOWN",
                              "INVALID_ARGUMENT",
                              "DEADLINE_EXCEEDED",
                              "NOT_FOUND",
                              "ALREADY_EXISTS",
                              "PERMISSION_DENIED",
                              "RESOURCE_EXHAUSTED",
                              "FAILED_PRECONDITION",
                              "ABORTED",
                              "OUT_OF_RANGE",
                              "UNIMPLEMENTED",
                              "INTERNAL",
                              "UNAVAILABLE",
                              "DATA_LOSS",
                              "UNAUTHENTICATED"};
  const auto place = static_cast<std::size_t>(code);
  return place < kNames.size() ? kNames[place] : "UNKNOWN";
}

}  // namespace hearth::api
