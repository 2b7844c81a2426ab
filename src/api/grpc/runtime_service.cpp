#include "api/grpc/runtime_service.h"

#include <exception>
#include <utility>

#include "api/grpc/answering.h"
#include "api/grpc/codes.h"
#include "api/grpc/order_call.h"
#include "api/grpc/requests.h"
#include "api/grpc/stream_call.h"
#include "api/grpc/whole_call.h"
#include "api/http/pages.h"
#include "api/openai/common_fields.h"
#include "base/log.h"
#include "base/utf8.h"

namespace hearth::api {
namespace {

using model::State;

std::string state_words(const model::Model& model) {
  const State state = model.state();
  if (state == State::Ready) return "ready";
  if (state == State::Loading || state == State::Restarting) return "loading";
  const std::string why = model.state_text();
  if (!why.empty()) return "error: " + why;
  return state == State::Failed ? "error: not ready" : "unloaded";
}

}  // namespace

/// The wall between calls and the rest: what escapes here is our bug, and only this call pays.
grpc::Status RuntimeService::guarded(const std::function<grpc::Status()>& work) const {
  try {
    return work();
  } catch (const std::exception& error) {
    log::error("bug in a call of gRPC: {}", error.what());
    with_.api.registry
        .counter("hearth_bugs_total", "Exceptions that reached a wall.", {{"wall", "grpc"}})
        .add();
    return grpc_status({Code::Internal, "internal error", {}});
  }
}

Result<model::Model*> RuntimeService::find(const char* field, const std::string& name) const {
  if (name.empty()) return field_error(field, "is required");
  if (name.size() > kModelNameBytesMax)
    return field_error(field, "must have at most " + std::to_string(kModelNameBytesMax) + " bytes");
  model::Model* const found = with_.api.models.find(name);
  if (found) return found;
  return Error{Code::NotFound,
               std::string(field) + ": there is no model '" + to_utf8(name) +
                   "'; this Hearth has: " + with_.api.models.names() +
                   "; more are added in hearth.toml",
               field};
}

/// A name that stands for a choice is nothing that could be loaded.
Result<model::Model*> RuntimeService::find_loadable(const std::string& name) const {
  TRY(model::Model* const found, find("model_name", name));
  for (const model::Model* const model : with_.api.models.all)
    if (model == found) return found;
  return field_error("model_name", "'" + name + "' is the router's choice, not a model");
}

Result<model::Model*> RuntimeService::order_load(
    const aios::runtime::LoadModelRequest& request) const {
  TRY(model::Model* const model, find_loadable(request.model_name()));
  TRY_VOID(
      check_load(request, settings_of(with_.api.config, model->name()), model->context_tokens()));
  TRY_VOID(model->load());
  return model;
}

Result<model::Model*> RuntimeService::order_unload(const std::string& name) const {
  TRY(model::Model* const model, find_loadable(name));
  TRY_VOID(model->unload());
  return model;
}

aios::runtime::ModelStatus RuntimeService::status_of(const model::Model& model) const {
  ModelStatus status;
  status.set_model_name(model.name());
  status.set_status(state_words(model));
  status.set_loaded_at(with_.watch.loaded_since_ms(model));
  if (with_.api.uses) {
    const model::Uses::Use use = with_.api.uses->of(model.name());
    status.set_last_used(use.last_ms);
    status.set_request_count(static_cast<std::int64_t>(use.answers));
  }
  status.set_intelligence_level(with_.api.models.level_of(model));
  status.set_message(model.state_text());
  status.set_context_length(static_cast<std::int32_t>(model.context_tokens()));
  status.set_size_bytes(static_cast<std::int64_t>(model.facts().size_bytes));
  return status;
}

grpc::ServerUnaryReactor* RuntimeService::LoadModel(Context* context,
                                                    const aios::runtime::LoadModelRequest* request,
                                                    ModelStatus* response) {
  const auto loaded = std::make_shared<model::Model*>();
  const auto call = OrderCall::open(with_.calls.open("LoadModel"),
                                    [this, loaded, response] { *response = status_of(**loaded); });
  const auto problem = guarded([&]() -> grpc::Status {
    if (auto refused = with_.door.refuse(*context, call->ticket(), Door::Work::New))
      return *refused;
    const auto ordered = order_load(*request);
    if (!ordered.ok()) return grpc_status(ordered.error());
    *loaded = ordered.value();
    with_.watch.wait_for(**loaded, ModelWatch::Aim::Loaded, call);
    return grpc::Status::OK;
  });
  if (!problem.ok()) call->end(problem);
  return call.get();
}

grpc::ServerUnaryReactor* RuntimeService::UnloadModel(
    Context* context, const aios::runtime::UnloadModelRequest* request,
    aios::runtime::Status* response) {
  const auto call =
      OrderCall::open(with_.calls.open("UnloadModel"), [response, name = request->model_name()] {
        response->set_success(true);
        response->set_message("model '" + name + "' is not in memory");
      });
  const auto problem = guarded([&]() -> grpc::Status {
    if (auto refused = with_.door.refuse(*context, call->ticket(), Door::Work::New))
      return *refused;
    const auto ordered = order_unload(request->model_name());
    if (!ordered.ok()) return grpc_status(ordered.error());
    with_.watch.wait_for(*ordered.value(), ModelWatch::Aim::Unloaded, call);
    return grpc::Status::OK;
  });
  if (!problem.ok()) call->end(problem);
  return call.get();
}

grpc::ServerUnaryReactor* RuntimeService::ListModels(Context* context,
                                                     const aios::runtime::Empty* /*request*/,
                                                     aios::runtime::ModelList* response) {
  const auto call = OrderCall::open(with_.calls.open("ListModels"), [] {});
  call->end(guarded([&]() -> grpc::Status {
    if (auto refused = with_.door.refuse(*context, call->ticket(), Door::Work::Look))
      return *refused;
    for (const model::Model* const model : with_.api.models.all)
      *response->add_models() = status_of(*model);
    return grpc::Status::OK;
  }));
  return call.get();
}

void RuntimeService::describe_health(aios::runtime::HealthStatus& health) const {
  std::string missing;
  for (const std::string& line : all_missing(with_.api))
    missing += (missing.empty() ? "" : "; ") + line;
  health.set_healthy(missing.empty());
  health.set_service("hearth");
  health.set_message(missing);
  health.set_uptime_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(with_.api.time.now() - with_.started)
          .count());
  auto& details = *health.mutable_details();
  int loaded = 0;
  for (const model::Model* const model : with_.api.models.all) {
    loaded += model->state() == State::Ready ? 1 : 0;
    details["model:" + model->name()] = "status=" + state_words(*model);
  }
  details["loaded_models"] = std::to_string(loaded);
  details["total_models"] = std::to_string(with_.api.models.all.size());
  details["version"] = HEARTH_VERSION;
}

grpc::ServerUnaryReactor* RuntimeService::HealthCheck(Context* context,
                                                      const aios::runtime::Empty* /*request*/,
                                                      aios::runtime::HealthStatus* response) {
  const auto call = OrderCall::open(with_.calls.open("HealthCheck"), [] {});
  call->end(guarded([&]() -> grpc::Status {
    if (auto refused = with_.door.refuse(*context, call->ticket(), Door::Work::Look))
      return *refused;
    describe_health(*response);
    return grpc::Status::OK;
  }));
  return call.get();
}

/// Ends the outlet itself if the answer cannot begin.
void RuntimeService::begin(const Context& context, const aios::runtime::InferRequest& request,
                           const Calls::Ticket& ticket, const std::shared_ptr<Outlet>& outlet) {
  const auto problem = guarded([&]() -> grpc::Status {
    if (auto refused = with_.door.refuse(context, ticket, Door::Work::New)) return *refused;
    auto wanted = read_infer(request);
    if (!wanted.ok()) return grpc_status(wanted.error());
    const auto model = find("model", wanted.value().model);
    if (!model.ok()) return grpc_status(model.error());
    log::debug("grpc: an answer of '{}' for agent '{}', task '{}'", wanted.value().model,
               request.requesting_agent(), request.task_id());
    wanted.value().request.account = with_.door.account(context);
    const auto answering =
        std::make_shared<Answering>(outlet, ticket.began(), with_.api.time, with_.runs);
    outlet->attach(answering);
    answering->start(*model.value(), std::move(wanted.value().request));
    return grpc::Status::OK;
  });
  if (!problem.ok()) outlet->fail(problem);
}

grpc::ServerUnaryReactor* RuntimeService::Infer(Context* context,
                                                const aios::runtime::InferRequest* request,
                                                aios::runtime::InferResponse* response) {
  auto ticket = with_.calls.open("Infer");
  const Calls::Ticket& mine = *ticket;
  const auto call = WholeCall::open(*response, std::move(ticket));
  begin(*context, *request, mine, call);
  return call.get();
}

grpc::ServerWriteReactor<aios::runtime::InferChunk>* RuntimeService::StreamInfer(
    Context* context, const aios::runtime::InferRequest* request) {
  auto ticket = with_.calls.open("StreamInfer");
  const Calls::Ticket& mine = *ticket;
  const auto call = StreamCall::open(*context, std::move(ticket));
  begin(*context, *request, mine, call);
  return call.get();
}

}  // namespace hearth::api
