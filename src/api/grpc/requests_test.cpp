#include "api/grpc/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "api/openai/common_fields.h"

namespace hearth::api {
namespace {

using aios::runtime::InferRequest;
using aios::runtime::LoadModelRequest;
using ::testing::HasSubstr;

InferRequest asking(const std::function<void(InferRequest&)>& change = {}) {
  InferRequest request;
  request.set_prompt("hi");
  if (change) change(request);
  return request;
}

TEST(ReadInfer, TakesWhatIsSetAndTheDefaultsElsewhere) {
  const Wanted plain = read_infer(asking()).value();
  EXPECT_EQ(plain.model, "auto");
  EXPECT_EQ(plain.request.sampling.temperature, chat::Sampling().temperature);
  EXPECT_FALSE(plain.request.tokens_max || plain.request.sampling.seed);
  const auto& talk = std::get<chat::Conversation>(plain.request.prompt);
  ASSERT_EQ(talk.messages.size(), 1u);
  EXPECT_EQ(talk.messages[0].content, "hi");
  EXPECT_EQ(talk.messages[0].role, chat::Role::User);

  const Wanted full = read_infer(asking([](InferRequest& r) {
                        r.set_model("ember");
                        r.set_system_prompt("be brief");
                        r.set_max_tokens(7);
                        r.set_temperature(0);
                        r.set_seed(0);
                        r.add_stop("x");
                        r.set_requesting_agent("agent-1");
                        r.set_task_id("task-1");
                      })).value();
  EXPECT_EQ(full.model, "ember");
  EXPECT_EQ(full.request.tokens_max, 7u);
  EXPECT_EQ(full.request.sampling.temperature, 0.0f);
  EXPECT_EQ(full.request.sampling.seed, 0u);
  EXPECT_EQ(full.request.stop, std::vector<std::string>{"x"});
  const auto& both = std::get<chat::Conversation>(full.request.prompt);
  ASSERT_EQ(both.messages.size(), 2u);
  EXPECT_EQ(both.messages[0].role, chat::Role::System);
}

TEST(ReadInfer, ALevelCountsWhereNoModelIsNamed) {
  struct Case {
    const char* model;
    const char* level;
    const char* want;
  };
  const Case kCases[] = {
      {"", "", "auto"},
      {"auto", "", "auto"},
      {"", "tactical", "tactical"},
      {"auto", "strategic", "strategic"},
      {"ember", "tactical", "ember"},
      {"local", "", "local"},
      {"operational", "tactical", "operational"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.model) + "/" + c.level);
    EXPECT_EQ(read_infer(asking([&](InferRequest& r) {
                r.set_model(c.model);
                r.set_intelligence_level(c.level);
              }))
                  .value()
                  .model,
              c.want);
  }
}

TEST(ReadInfer, RefusesAtTheEdgesAndNamesTheField) {
  struct Case {
    const char* field;  // "": fine
    std::function<void(InferRequest&)> change;
  };
  const Case kCases[] = {
      {"prompt", [](InferRequest& r) { r.set_prompt(""); }},
      {"", [](InferRequest& r) { r.set_max_tokens(0); }},
      {"", [](InferRequest& r) { r.set_max_tokens(std::numeric_limits<std::int32_t>::max()); }},
      {"max_tokens", [](InferRequest& r) { r.set_max_tokens(-1); }},
      {"", [](InferRequest& r) { r.set_temperature(2); }},
      {"temperature", [](InferRequest& r) { r.set_temperature(2.01f); }},
      {"temperature", [](InferRequest& r) { r.set_temperature(-0.01f); }},
      {"temperature",
       [](InferRequest& r) { r.set_temperature(std::numeric_limits<float>::quiet_NaN()); }},
      {"intelligence_level", [](InferRequest& r) { r.set_intelligence_level("reactive"); }},
      {"intelligence_level", [](InferRequest& r) { r.set_intelligence_level("Tactical"); }},
      {"", [](InferRequest& r) { r.set_model(std::string(kModelNameBytesMax, 'a')); }},
      {"model", [](InferRequest& r) { r.set_model(std::string(kModelNameBytesMax + 1, 'a')); }},
      {"", [](InferRequest& r) { r.set_task_id(std::string(kCallerBytesMax, 'a')); }},
      {"task_id", [](InferRequest& r) { r.set_task_id(std::string(kCallerBytesMax + 1, 'a')); }},
      {"requesting_agent", [](InferRequest& r) { r.set_requesting_agent("a\nb"); }},
      {"",
       [](InferRequest& r) {
         for (std::size_t i = 0; i < chat::kStopMax; ++i) r.add_stop("a");
       }},
      {"stop",
       [](InferRequest& r) {
         for (std::size_t i = 0; i <= chat::kStopMax; ++i) r.add_stop("a");
       }},
      {"", [](InferRequest& r) { r.add_stop(std::string(chat::kStopBytesMax, 'a')); }},
      {"stop", [](InferRequest& r) { r.add_stop(std::string(chat::kStopBytesMax + 1, 'a')); }},
      {"stop", [](InferRequest& r) { r.add_stop(""); }},
  };
  for (const Case& c : kCases) {
    const InferRequest request = asking(c.change);
    SCOPED_TRACE(request.ShortDebugString());
    const auto got = read_infer(request);
    ASSERT_EQ(got.ok(), *c.field == '\0');
    if (got.ok()) continue;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, c.field);
    EXPECT_THAT(got.error().message, HasSubstr(c.field));
  }
}

TEST(SettingsOf, FindsAModelsSettings) {
  config::Config config;
  config.data_dir = "/data";
  config.model.path = "/one.gguf";
  config.pool.models.resize(3);
  config.pool.models[0].model.name = "pulled";
  config.pool.models[1].model.name = "ember";
  config.pool.models[2].model.name = "own";
  config.pool.models[2].model.path = "/own.gguf";
  EXPECT_EQ(settings_of(config, "pulled").path, "/data/models/pulled.gguf");
  EXPECT_EQ(settings_of(config, "ember").path, "");
  EXPECT_EQ(settings_of(config, "own").path, "/own.gguf");
  EXPECT_EQ(settings_of(config, "one").path, "/one.gguf");
}

TEST(CheckLoad, TakesNothingButWhatIsSetUp) {
  struct Case {
    const char* field;  // "": fine
    std::function<void(LoadModelRequest&)> change;
  };
  const Case kCases[] = {
      {"", [](LoadModelRequest&) {}},
      {"", [](LoadModelRequest& r) { r.set_model_path("/models/a.gguf"); }},
      {"model_path", [](LoadModelRequest& r) { r.set_model_path("/models/b.gguf"); }},
      {"", [](LoadModelRequest& r) { r.set_context_length(4'096); }},
      {"", [](LoadModelRequest& r) { r.set_context_length(2'048); }},  // what it has
      {"context_length", [](LoadModelRequest& r) { r.set_context_length(4'097); }},
      {"context_length", [](LoadModelRequest& r) { r.set_context_length(-1); }},
      {"", [](LoadModelRequest& r) { r.set_gpu_layers(5); }},
      {"", [](LoadModelRequest& r) { r.set_gpu_layers(-1); }},
      {"gpu_layers", [](LoadModelRequest& r) { r.set_gpu_layers(6); }},
      {"", [](LoadModelRequest& r) { r.set_threads(3); }},
      {"threads", [](LoadModelRequest& r) { r.set_threads(4); }},
      {"threads", [](LoadModelRequest& r) { r.set_threads(-3); }},
      {"port", [](LoadModelRequest& r) { r.set_port(8'080); }},
  };
  config::Config::Model set_up;
  set_up.path = "/models/a.gguf";
  set_up.context_tokens = 4'096;
  set_up.gpu_layers = 5;
  set_up.threads = 3;
  for (const Case& c : kCases) {
    LoadModelRequest request;
    c.change(request);
    SCOPED_TRACE(request.ShortDebugString());
    const auto got = check_load(request, set_up, 2'048);
    EXPECT_EQ(got.ok() ? "" : got.error().field, c.field);
  }
  LoadModelRequest all_layers;
  all_layers.set_gpu_layers(-1);
  EXPECT_FALSE(check_load(all_layers, {}, 0).ok());
}

}  // namespace
}  // namespace hearth::api
