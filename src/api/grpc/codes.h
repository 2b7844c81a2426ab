#pragma once
#include "api/grpc/library.h"
#include "api/http/errors.h"
#include "base/result.h"

/// The one table from Codes to gRPC's. Pure; any thread.
/// Source: grpc.github.io/grpc/core/md_doc_statuscodes.html
namespace hearth::api {

/// For an error of a room below. The message names the field at fault. A limit of ours is the
/// caller's to keep (INVALID_ARGUMENT), but a full disk is not (RESOURCE_EXHAUSTED).
grpc::Status grpc_status(const Error& error);
/// The same for what a model says of its input, which it calls messages: here that is the prompt.
grpc::Status grpc_model_status(Error error);
/// For what the gate refuses: UNAUTHENTICATED, PERMISSION_DENIED.
grpc::Status grpc_gate_status(const HttpError& refused);

/// "OK", "NOT_FOUND": as gRPC's own documents write it.
const char* grpc_code_name(grpc::StatusCode code);

}  // namespace hearth::api
