#pragma once
#include <memory>

#include "api/api.h"
#include "api/grpc/calls.h"
#include "api/grpc/door.h"
#include "api/grpc/library.h"
#include "api/grpc/model_watch.h"
#include "api/grpc/outlet.h"
#include "api/grpc/services.h"
#include "api/run/runs.h"

namespace hearth::api {

/// aios.runtime.AIRuntime. Translates and decides nothing; see proto/aios/runtime.proto. gRPC calls
/// its methods on a few threads of its own, on which nothing blocks.
class RuntimeService final : public aios::runtime::AIRuntime::CallbackService {
 public:
  /// All outlive it. `started`: of the daemon.
  struct Parts {
    const api::Parts& api;
    Runs& runs;
    const Door& door;
    Calls& calls;
    ModelWatch& watch;
    Clock::time_point started;
  };
  explicit RuntimeService(Parts parts) : with_(parts) {}

 private:
  using Context = grpc::CallbackServerContext;
  using ModelStatus = aios::runtime::ModelStatus;

  grpc::ServerUnaryReactor* LoadModel(Context* context,
                                      const aios::runtime::LoadModelRequest* request,
                                      ModelStatus* response) override;
  grpc::ServerUnaryReactor* UnloadModel(Context* context,
                                        const aios::runtime::UnloadModelRequest* request,
                                        aios::runtime::Status* response) override;
  grpc::ServerUnaryReactor* ListModels(Context* context, const aios::runtime::Empty* request,
                                       aios::runtime::ModelList* response) override;
  grpc::ServerUnaryReactor* Infer(Context* context, const aios::runtime::InferRequest* request,
                                  aios::runtime::InferResponse* response) override;
  grpc::ServerWriteReactor<aios::runtime::InferChunk>* StreamInfer(
      Context* context, const aios::runtime::InferRequest* request) override;
  grpc::ServerUnaryReactor* HealthCheck(Context* context, const aios::runtime::Empty* request,
                                        aios::runtime::HealthStatus* response) override;

  void begin(const Context& context, const aios::runtime::InferRequest& request,
             const Calls::Ticket& ticket, const std::shared_ptr<Outlet>& outlet);
  Result<model::Model*> find(const char* field, const std::string& name) const;
  Result<model::Model*> find_loadable(const std::string& name) const;
  Result<model::Model*> order_load(const aios::runtime::LoadModelRequest& request) const;
  Result<model::Model*> order_unload(const std::string& name) const;
  ModelStatus status_of(const model::Model& model) const;
  void describe_health(aios::runtime::HealthStatus& health) const;
  grpc::Status guarded(const std::function<grpc::Status()>& work) const;

  const Parts with_;
};

}  // namespace hearth::api
