#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "api/grpc/library.h"
#include "base/fields.h"
#include "base/result.h"
#include "config/config.h"

namespace hearth::api {

/// "127.0.0.1:50051", "[::1]:50051".
std::string address_of(const std::string& host, std::uint16_t port);

/// Whether one could listen there, tried by doing it: gRPC does not say why it could not. Port 0
/// always can. Errors: Unavailable (names the address, and why), field "grpc.port" or "grpc.host".
Result<void> check_free(const std::string& host, std::uint16_t port);

/// TLS by the certificate and key of the configuration; plain where it names none. Reads both
/// files. Errors: NotFound, Unavailable (a file that cannot be read), InvalidInput (no PEM in it);
/// field "grpc.tls_cert" or "grpc.tls_key".
Result<std::shared_ptr<grpc::ServerCredentials>> credentials_of(
    const config::Config::Grpc& settings);

}  // namespace hearth::api
