#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/grpc/calls.h"
#include "api/grpc/door.h"
#include "api/grpc/library.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace hearth::api {

/// Answers one question about the services of these names. Pure but for the table of messages that
/// the program was linked with; any thread.
grpc::reflection::v1::ServerReflectionResponse reflect(
    const std::vector<std::string>& services,
    const grpc::reflection::v1::ServerReflectionRequest& question);

/// gRPC's reflection under both its names, for those who may call. Not the library's own: that one
/// asks nobody for a token, and keeps a thread for each client that looks.
std::vector<std::unique_ptr<grpc::Service>> reflection_services(std::vector<std::string> services,
                                                                const Door& door, Calls& calls);

}  // namespace hearth::api
