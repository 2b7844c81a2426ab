#pragma once
/// The services that protoc makes of proto/.
#include "api/grpc/library.h"
// clang-format off
#include "aios/runtime.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
// clang-format on
