// The gRPC face over a real socket, with the library's own client, in front of a scripted model.
#include "api/grpc/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/grpc/services.h"
#include "api/grpc/stream_call.h"
#include "api/testing/bench.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace hearth::api {
namespace {

using aios::runtime::AIRuntime;
using aios::runtime::InferChunk;
using aios::runtime::InferRequest;
using testing::Bench;
using ::testing::HasSubstr;

const std::vector<model::FakeRule> kManual = {{"", {.pieces = {"a", "b", "c"}, .manual = true}}};

bool reaches(const std::function<bool()>& holds) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (!holds() && Clock::now() < deadline) std::this_thread::yield();
  return holds();
}

/// A caller's side of one call.
struct Caller : grpc::ClientContext {
  Caller() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20)); }
};

InferRequest asking(const std::string& prompt = "hi") {
  InferRequest request;
  request.set_model("fake");
  request.set_prompt(prompt);
  return request;
}

class GrpcServerTest : public ::testing::Test {
 protected:
  void open(std::vector<model::FakeRule> rules = {{"", {.pieces = {"Hel", "lo"}}}},
            config::Config::Server server = {}, std::size_t generations_max = 36) {
    bench_ = std::make_unique<Bench>(std::move(rules), std::move(server), generations_max);
    bench_->config.grpc.port = 0;
    if (change_) change_(bench_->config.grpc);
    auto opened = bench_->api->open_grpc();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    server_ = std::move(opened).value();
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    stub_ = AIRuntime::NewStub(channel_);
  }
  void TearDown() override {
    server_.reset();
    bench_.reset();
  }
  model::FakeModel& model() { return bench_->model; }
  std::string metrics() { return bench_->registry.text(); }

  std::function<void(config::Config::Grpc&)> change_{};
  std::unique_ptr<Bench> bench_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<AIRuntime::Stub> stub_;
};

TEST_F(GrpcServerTest, AnswersWhole) {
  open();
  Caller caller;
  aios::runtime::InferResponse response;
  const auto status = stub_->Infer(&caller, asking(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.text(), "Hello");
  EXPECT_EQ(response.tokens_used(), 2);
  EXPECT_EQ(response.prompt_tokens(), 2);
  EXPECT_EQ(response.model_used(), "fake");
  EXPECT_EQ(response.finish_reason(), "stop");
  EXPECT_TRUE(reaches([&] { return bench_->api->answers() == 0; }));
  EXPECT_TRUE(reaches([&] {
    return metrics().find("hearth_grpc_requests_total{code=\"OK\",method=\"Infer\"} 1") !=
               std::string::npos ||
           metrics().find("hearth_grpc_requests_total{method=\"Infer\",code=\"OK\"} 1") !=
               std::string::npos;
  })) << metrics();
}

TEST_F(GrpcServerTest, StreamsAChunkForEachPieceAsItComes) {
  open(kManual);
  Caller caller;
  const auto stream = stub_->StreamInfer(&caller, asking());
  ASSERT_TRUE(reaches([&] { return model().running() == 1; }));
  InferChunk chunk;
  for (const char* const piece : {"a", "b", "c"}) {
    model().step(piece == std::string("a") ? 2 : 1);  // Started comes before the first
    ASSERT_TRUE(stream->Read(&chunk));
    EXPECT_EQ(chunk.text(), piece);
    EXPECT_FALSE(chunk.done());
  }
  model().step(1);
  ASSERT_TRUE(stream->Read(&chunk));
  EXPECT_TRUE(chunk.done());
  EXPECT_EQ(chunk.text(), "");
  EXPECT_EQ(chunk.tokens_used(), 3);
  EXPECT_FALSE(stream->Read(&chunk));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServerTest, ACancelledCallStopsTheWork) {
  open(kManual);
  Caller caller;
  const auto stream = stub_->StreamInfer(&caller, asking());
  ASSERT_TRUE(reaches([&] { return model().running() == 1; }));
  model().step(2);
  InferChunk chunk;
  ASSERT_TRUE(stream->Read(&chunk));
  caller.TryCancel();
  EXPECT_TRUE(reaches([&] { return model().running() == 0; }));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(reaches([&] { return bench_->api->answers() == 0; }));
  EXPECT_EQ(model().cancelled(), 1u);
}

TEST_F(GrpcServerTest, ADeadlineStopsTheWork) {
  open(kManual);
  Caller caller;
  caller.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  aios::runtime::InferResponse response;
  EXPECT_EQ(stub_->Infer(&caller, asking(), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(reaches([&] { return model().running() == 0 && bench_->api->answers() == 0; }));
}

TEST_F(GrpcServerTest, AnErrorInTheMiddleEndsTheStream) {
  open({{"", {.pieces = {"a"}, .error = Error{Code::Unavailable, "the engine crashed", {}}}}});
  Caller caller;
  const auto stream = stub_->StreamInfer(&caller, asking());
  InferChunk chunk;
  EXPECT_TRUE(stream->Read(&chunk));
  EXPECT_FALSE(stream->Read(&chunk));
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the engine crashed");
}

TEST_F(GrpcServerTest, ACallerThatReadsNothingIsGivenUp) {
  const std::string piece(std::size_t{256} << 10, 'x');
  open({{"", {.pieces = std::vector<std::string>(64, piece)}}});
  Caller caller;
  const auto stream = stub_->StreamInfer(&caller, asking());
  EXPECT_TRUE(reaches([&] { return model().requests().size() == 1 && model().running() == 0; }));
  EXPECT_TRUE(reaches([&] { return bench_->api->answers() == 0; }));
  InferChunk chunk;
  std::size_t bytes = 0;
  while (stream->Read(&chunk)) bytes += chunk.text().size();
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_LT(bytes, 64 * piece.size());
}

TEST_F(GrpcServerTest, RefusesAndNamesWhy) {
  open(kManual, {.tokens = {"a-good-token"}}, 1);
  struct Case {
    const char* token;
    InferRequest request;
    grpc::StatusCode want;
    const char* says;
  };
  InferRequest nobody = asking(), empty = asking("");
  nobody.set_model("nobody");
  const Case kCases[] = {
      {"", asking(), grpc::StatusCode::UNAUTHENTICATED, "needs a token"},
      {"a-wrong-token", asking(), grpc::StatusCode::UNAUTHENTICATED, "not one of"},
      {"a-good-token", nobody, grpc::StatusCode::NOT_FOUND, "model: there is no model 'nobody'"},
      {"a-good-token", empty, grpc::StatusCode::INVALID_ARGUMENT, "prompt: "},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.says);
    Caller caller;
    if (*c.token) caller.AddMetadata("authorization", std::string("Bearer ") + c.token);
    aios::runtime::InferResponse response;
    const auto status = stub_->Infer(&caller, c.request, &response);
    EXPECT_EQ(status.error_code(), c.want);
    EXPECT_THAT(status.error_message(), HasSubstr(c.says));
  }
  EXPECT_TRUE(model().requests().empty());
}

TEST_F(GrpcServerTest, TheTokenIsTheAccount) {
  open({{"", {.pieces = {"a"}}}}, {.tokens = {"a-good-token"}});
  Caller caller;
  caller.AddMetadata("authorization", "bearer a-good-token");
  aios::runtime::InferResponse response;
  EXPECT_TRUE(stub_->Infer(&caller, asking(), &response).ok());
  EXPECT_EQ(model().requests().at(0).account, AccessToken("a-good-token").account);
}

TEST_F(GrpcServerTest, AFullModelAndTooManyCallsAreExhausted) {
  change_ = [](config::Config::Grpc& settings) { settings.streams_max = 2; };
  open(kManual, {}, 1);
  Caller first, second, third;
  const auto running = stub_->StreamInfer(&first, asking());
  ASSERT_TRUE(reaches([&] { return model().running() == 1; }));
  aios::runtime::InferResponse response;
  const auto full = stub_->Infer(&second, asking(), &response);
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // Its place among the calls is free again only once gRPC has said so; then another takes it.
  const auto other_channel =
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), [] {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        return arguments;
      }());
  const auto health = grpc::health::v1::Health::NewStub(other_channel);
  grpc::health::v1::HealthCheckResponse well;
  EXPECT_TRUE(health->Check(&third, {}, &well).ok());  // it counts for nothing
  model().step(9);
  EXPECT_TRUE(reaches([&] { return bench_->api->answers() == 0; }));
}

TEST_F(GrpcServerTest, ADaemonThatStopsRefusesAndEndsWhatRuns) {
  open(kManual);
  Caller before, behind, look;
  const auto stream = stub_->StreamInfer(&before, asking());
  ASSERT_TRUE(reaches([&] { return model().running() == 1; }));
  bench_->draining = true;
  aios::runtime::InferResponse response;
  const auto refused = stub_->Infer(&behind, asking(), &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("stopping"));
  aios::runtime::HealthStatus health;
  EXPECT_TRUE(stub_->HealthCheck(&look, {}, &health).ok());
  EXPECT_FALSE(health.healthy());
  EXPECT_THAT(health.message(), HasSubstr("stopping"));
  bench_->api->end_answers();
  const auto ended = stream->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  server_->stop(Call::within(Millis(5'000)));
  server_->stop(Call::within(Millis(0)));
}

TEST_F(GrpcServerTest, GoesDownWhileACallIsOpen) {
  open(kManual);
  Caller caller;
  const auto stream = stub_->StreamInfer(&caller, asking());
  ASSERT_TRUE(reaches([&] { return model().running() == 1; }));
  server_.reset();
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_TRUE(reaches([&] { return model().running() == 0; }));
}

TEST_F(GrpcServerTest, TheHealthServiceFollowsTheModels) {
  open();
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  using Response = grpc::health::v1::HealthCheckResponse;
  Caller caller;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("aios.runtime.AIRuntime");
  const auto watch = health->Watch(&caller, request);
  Response seen;
  const auto sees = [&](Response::ServingStatus want) {
    while (seen.status() != want)
      if (!watch->Read(&seen)) return false;
    return true;
  };
  EXPECT_TRUE(sees(Response::SERVING));
  model().set_state(model::State::Restarting, "the engine crashed");
  EXPECT_TRUE(sees(Response::NOT_SERVING));
  model().set_state(model::State::Ready, "");
  EXPECT_TRUE(sees(Response::SERVING));
  caller.TryCancel();
}

TEST_F(GrpcServerTest, ModelsThatStayAreNeitherLoadedNorUnloaded) {
  open();
  Caller one, two, three;
  aios::runtime::LoadModelRequest load;
  load.set_model_name("fake");
  aios::runtime::ModelStatus loaded;
  EXPECT_TRUE(stub_->LoadModel(&one, load, &loaded).ok());
  EXPECT_EQ(loaded.status(), "ready");
  EXPECT_EQ(loaded.loaded_at(), 1'700'000'000'000);
  aios::runtime::UnloadModelRequest unload;
  unload.set_model_name("fake");
  aios::runtime::Status done;
  EXPECT_EQ(stub_->UnloadModel(&two, unload, &done).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  aios::runtime::ModelList list;
  EXPECT_TRUE(stub_->ListModels(&three, {}, &list).ok());
  ASSERT_EQ(list.models_size(), 1);
  EXPECT_EQ(list.models(0).model_name(), "fake");
}

TEST_F(GrpcServerTest, WaitsForAModelUntilItIsLoadedOrTheCallerGoes) {
  open();
  model().set_state(model::State::Loading, "loading, 42 %");
  aios::runtime::LoadModelRequest load;
  load.set_model_name("fake");
  aios::runtime::ModelStatus loaded;
  Caller hurried;
  hurried.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  EXPECT_EQ(stub_->LoadModel(&hurried, load, &loaded).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  std::jthread loads([&] { model().set_state(model::State::Ready, ""); });
  Caller patient;
  EXPECT_TRUE(stub_->LoadModel(&patient, load, &loaded).ok());
}

TEST_F(GrpcServerTest, APortThatIsTakenIsNoPort) {
  open();
  const std::string address = server_->address();
  Bench other;
  other.config.grpc.port =
      static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const auto opened = other.api->open_grpc();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::Unavailable);
  EXPECT_EQ(opened.error().field, "grpc.port");
}

}  // namespace
}  // namespace hearth::api
