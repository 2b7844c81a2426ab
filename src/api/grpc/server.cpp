#include "api/grpc/server.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "api/grpc/library_log.h"
#include "api/grpc/listen.h"
#include "api/grpc/reflection.h"
#include "base/log.h"
#include "grpc/health/v1/health.pb.h"

namespace hearth::api {
namespace {

constexpr int kPingEveryMs = 60'000;                            // is a silent caller still there?
constexpr int kPingAnswerMs = 20'000;                           // then it is gone
constexpr int kHandshakeMaxMs = 10'000;                         // a connection that says nothing
constexpr int kIdleMaxMs = 600'000;                             // and one without calls
constexpr std::size_t kBufferBytesMax = std::size_t{64} << 20;  // of all connections together
constexpr Millis kLastBytes{100};                               // for answers to leave the machine

const char* runtime_name() { return aios::runtime::AIRuntime::service_full_name(); }

/// The library answers for it without a description; using one of its messages links that in, for
/// reflection.
std::string health_name() {
  static_cast<void>(grpc::health::v1::HealthCheckRequest::default_instance().IsInitialized());
  return "grpc.health.v1.Health";
}

std::vector<std::string> service_names() {
  return {runtime_name(), health_name(), "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection"};
}

void set_limits(const config::Config& config, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.grpc.message_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(config.grpc.streams_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(config.server.header_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingEveryMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMs);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMaxMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMaxMs);
  // With it another program could listen on the same port, and get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("hearth");
  quota.Resize(
      std::max<std::size_t>(kBufferBytesMax, std::size_t{4} * config.grpc.message_bytes_max));
  builder.SetResourceQuota(quota);
}

Error not_started(const config::Config::Grpc& settings) {
  if (settings.tls_cert.empty())
    return {Code::Unavailable,
            "cannot listen on " + address_of(settings.host, settings.port) + " for gRPC",
            "grpc.port"};
  return field_error("grpc.tls_cert", "the certificate in " + settings.tls_cert +
                                          " and the key in " + settings.tls_key +
                                          " cannot be used: no PEM, or no pair");
}

}  // namespace

GrpcServer::State::State(const Origin& origin, GateRules given)
    : calls(origin.parts.config.grpc.streams_max, origin.parts.registry, origin.parts.time),
      rules(std::move(given)),
      door(origin.parts, rules) {}

Result<std::unique_ptr<GrpcServer::State>> GrpcServer::State::start(const Origin& origin,
                                                                    GateRules rules) {
  keep_libraries_quiet();
  const config::Config::Grpc& settings = origin.parts.config.grpc;
  TRY_VOID(check_free(settings.host, settings.port));
  TRY(auto credentials, credentials_of(settings));
  auto state = std::make_unique<State>(origin, std::move(rules));
  State* const self = state.get();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  set_limits(origin.parts.config, builder);
  int port = 0;
  builder.AddListeningPort(address_of(settings.host, settings.port), std::move(credentials), &port);
  state->watch = std::make_unique<ModelWatch>(origin.parts);
  state->runtime =
      std::make_unique<RuntimeService>(RuntimeService::Parts{.api = origin.parts,
                                                             .runs = origin.runs,
                                                             .door = state->door,
                                                             .calls = state->calls,
                                                             .watch = *state->watch,
                                                             .started = origin.started});
  builder.RegisterService(state->runtime.get());
  if (settings.reflection)
    state->reflections = reflection_services(service_names(), state->door, state->calls);
  for (const auto& service : state->reflections) builder.RegisterService(service.get());
  state->server = builder.BuildAndStart();
  if (!state->server || port == 0) return not_started(settings);
  state->address = address_of(settings.host, static_cast<std::uint16_t>(port));
  state->watch->begin([self](bool answers) { self->say_whether_it_answers(answers); });
  return state;
}

void GrpcServer::State::say_whether_it_answers(bool answers) {
  auto* const health = server->GetHealthCheckService();
  if (!health) return;
  health->SetServingStatus("", answers);
  health->SetServingStatus(runtime_name(), answers);
}

void GrpcServer::State::stop(const Call& call) {
  if (is_stopped || !server) return;
  is_stopped = true;
  watch->end();  // those who wait for a model are told; nobody says any more that it serves
  say_whether_it_answers(false);
  calls.wait_for_none(call);
  server->Shutdown(std::chrono::system_clock::now() + kLastBytes);
  server->Wait();
}

GrpcServer::State::~State() { stop(Call::within(Millis(0))); }

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
GrpcServer::~GrpcServer() = default;
const std::string& GrpcServer::address() const { return state_->address; }
void GrpcServer::stop(const Call& call) { state_->stop(call); }

}  // namespace hearth::api
