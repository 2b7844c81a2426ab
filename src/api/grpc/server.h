#pragma once
#include <memory>

#include "api/api.h"
#include "api/grpc/calls.h"
#include "api/grpc/door.h"
#include "api/grpc/model_watch.h"
#include "api/grpc/runtime_service.h"
#include "api/grpc_server.h"

namespace hearth::api {

/// What the gRPC face consists of; its members go down in reverse, gRPC's server first.
struct GrpcServer::State {
  /// All outlive it.
  struct Origin {
    const api::Parts& parts;
    Runs& runs;
    Clock::time_point started;
  };
  /// Errors: Unavailable (the port is taken, or the address is not this machine's), InvalidInput
  /// ("grpc.tls_cert": certificate and key cannot be used), NotFound (one of them is not there).
  static Result<std::unique_ptr<State>> start(const Origin& origin, GateRules rules);
  State(const Origin& origin, GateRules rules);
  ~State();

  void say_whether_it_answers(bool answers);
  void stop(const Call& call);

  Calls calls;
  const GateRules rules;
  Door door;
  std::unique_ptr<ModelWatch> watch{};
  std::unique_ptr<RuntimeService> runtime{};
  std::vector<std::unique_ptr<grpc::Service>> reflections{};
  std::string address{};
  bool is_stopped = false;
  std::unique_ptr<grpc::Server> server{};
};

}  // namespace hearth::api
