#include "api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/bench.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using testing::Bench;
using ::testing::HasSubstr;
using ::testing::StartsWith;

json error_of(const testing::RecordedExchange& exchange) { return exchange.json()["error"]; }

TEST(Api, KnowsItsPathsAndMethods) {
  struct Case {
    const char* method;
    const char* path;
    int status;
    const char* allow;
  };
  const Case kCases[] = {
      {"GET", "/health", 200, ""},
      {"HEAD", "/health", 200, ""},
      {"GET", "/v1/health", 200, ""},
      {"GET", "/health/ready", 200, ""},
      {"GET", "/metrics", 200, ""},
      {"GET", "/v1/models", 200, ""},
      {"GET", "/v1/models/fake", 200, ""},
      {"GET", "/v1/models/", 404, ""},
      {"GET", "/", 200, ""},
      {"HEAD", "/", 200, ""},
      {"POST", "/", 405, "GET, HEAD"},
      {"GET", "/v1/chat/completions/", 404, ""},
      {"GET", "/v1/chat/completions", 405, "POST"},
      {"PUT", "/v1/completions", 405, "POST"},
      {"GET", "/v1/embeddings", 405, "POST"},
      {"GET", "/tokenize", 405, "POST"},
      {"DELETE", "/detokenize", 405, "POST"},
      {"POST", "/health", 405, "GET, HEAD"},
      {"POST", "/metrics", 405, "GET, HEAD"},
      {"DELETE", "/v1/models/a/b", 405, "GET, HEAD"},
      {"OPTIONS", "/v1/models", 405, "GET, HEAD"},
  };
  Bench bench;
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.method) + " " + c.path);
    const auto got = bench.send({c.method, c.path, c.path, "", {}, "", ""});
    EXPECT_EQ(got->status(), c.status);
    EXPECT_EQ(got->header("Allow"), c.allow);
    EXPECT_THAT(got->header("x-request-id"), StartsWith("req_"));
    if (c.status >= 400) {
      EXPECT_EQ(error_of(*got)["type"], "invalid_request_error");
    }
  }
}

TEST(Api, TellsTheModelWhoseRequestItIs) {
  Bench bench({{"", {.pieces = {"x"}}}}, {.tokens = {"one", "two"}});
  const std::string chat = Bench::chat_body(R"("n":2,"account":7,"user":"mallory")");
  for (const char* token : {"one", "two", "one"})
    bench.post("/v1/chat/completions", chat, {{"Authorization", std::string("Bearer ") + token}})
        ->wait();
  bench.post("/v1/completions", R"({"prompt":"hi"})", {{"X-Api-Key", "two"}})->wait();
  std::vector<std::uint64_t> accounts;
  for (const auto& request : bench.model.requests()) accounts.push_back(request.account);
  ASSERT_EQ(accounts.size(), 7u);
  const auto one = accounts[0], two = accounts[2];
  EXPECT_NE(one, two);
  EXPECT_THAT(accounts, ::testing::ElementsAre(one, one, two, two, one, one, two));
}

TEST(Api, WithoutTokensEverybodyIsOneAccount) {
  Bench bench;
  bench.chat();
  EXPECT_EQ(bench.model.requests().at(0).account, 0u);
}

TEST(Api, AnswersHealthAtOnceBehindTheSameGate) {
  Bench bench({}, {.tokens = {"open-sesame"}});
  const auto at_once = bench.api->at_once();
  const auto ask = [&](const char* method, const char* path, const char* host) {
    return at_once({method, path, path, "", {{"Host", host}}, "", "127.0.0.1:1"});
  };
  EXPECT_EQ(ask("GET", "/health", "localhost").value().status, 200);
  EXPECT_EQ(ask("HEAD", "/v1/health", "localhost").value().status, 200);
  EXPECT_EQ(ask("GET", "/health", "evil.example").value().status, 403);
  for (const char* path : {"/health/ready", "/metrics", "/v1/models", "/nowhere"})
    EXPECT_FALSE(ask("GET", path, "localhost")) << path;
  EXPECT_FALSE(ask("POST", "/health", "localhost"));
  EXPECT_THAT(
      bench.registry.text(),
      HasSubstr(R"(hearth_http_requests_total{method="GET",path="/health",status="200"} 1)"));
}

TEST(Api, ShowsItsHealth) {
  Bench bench;
  const json want = {{"status", "ok"},
                     {"device_id", std::string(64, 'a')},
                     {"version", HEARTH_VERSION},
                     {"uptime_s", 0}};
  EXPECT_EQ(bench.get("/health")->json(), want);
}

TEST(Api, IsReadyOnceNothingIsMissing) {
  Bench bench;
  EXPECT_EQ(bench.get("/health/ready")->json(),
            (json{{"status", "ready"}, {"missing", json::array()}}));
  bench.model.set_state(model::State::Loading, "loading, 42 %");
  bench.missing = {"the disk is full"};
  bench.draining = true;
  const auto got = bench.get("/health/ready");
  EXPECT_EQ(got->status(), 503);
  EXPECT_EQ(got->json()["missing"],
            (json{"the disk is full", "the daemon is stopping", "model fake: loading, 42 %"}));
  EXPECT_EQ(got->header("Retry-After"), "5");
}

TEST(Api, ListsModels) {
  Bench bench;
  const json list = bench.get("/v1/models")->json();
  EXPECT_EQ(list["object"], "list");
  ASSERT_EQ(list["data"].size(), 1u);
  EXPECT_EQ(list["data"][0], bench.get("/v1/models/fake")->json());
  const json model = list["data"][0];
  EXPECT_EQ(model["id"], "fake");
  EXPECT_EQ(model["object"], "model");
  EXPECT_EQ(model["created"], 1'700'000'000);
  EXPECT_EQ(model["owned_by"], "hearth");
  EXPECT_EQ(model["meta"]["n_ctx"], 2048);
}

TEST(Api, FindsModelsByNamesWithSlashes) {
  Bench bench;
  const auto got = bench.get("/v1/models/org/name");
  EXPECT_EQ(got->status(), 404);
  EXPECT_EQ(error_of(*got)["code"], "model_not_found");
  EXPECT_EQ(error_of(*got)["param"], "model");
  EXPECT_THAT(error_of(*got)["message"].get<std::string>(), HasSubstr("'org/name'"));
}

TEST(Api, RefusesUnknownModels) {
  Bench bench;
  for (const char* path :
       {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize", "/detokenize"}) {
    const auto got = bench.ask(path, R"({"model":"gpt-9"})");
    EXPECT_EQ(got->status(), 404) << path;
    EXPECT_EQ(error_of(*got)["code"], "model_not_found") << path;
  }
}

TEST(Api, UsesTheFirstModelWhenNoneIsNamed) {
  Bench bench;
  const auto got =
      bench.ask("/v1/chat/completions", R"({"messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->json()["model"], "fake");
}

TEST(Api, RefusesBodiesThatAreNoJsonObject) {
  struct Case {
    const char* body;
    const char* message;
  };
  const Case kCases[] = {{"", "not valid JSON"},
                         {"{", "not valid JSON"},
                         {"[]", "object is required"},
                         {"null", "object is required"},
                         {"{\"a\":\"\xff\"}", "not valid JSON"}};
  Bench bench;
  for (const Case& c : kCases) {
    const auto got = bench.ask("/v1/chat/completions", c.body);
    EXPECT_EQ(got->status(), 400) << c.body;
    EXPECT_THAT(error_of(*got)["message"].get<std::string>(), HasSubstr(c.message)) << c.body;
  }
  const auto deep = bench.ask("/v1/chat/completions", std::string(65, '[') + std::string(65, ']'));
  EXPECT_THAT(error_of(*deep)["message"].get<std::string>(), HasSubstr("deeper than 64"));
}

TEST(Api, NeedsATokenExceptForHealth) {
  config::Config::Server server;
  server.tokens = {"one", "two"};
  Bench bench({{"", {}}}, server);
  EXPECT_EQ(bench.get("/health")->status(), 200);
  for (const char* path : {"/metrics", "/v1/models", "/health/ready", "/nowhere"}) {
    const auto got = bench.get(path);
    EXPECT_EQ(got->status(), 401) << path;
    EXPECT_EQ(got->header("WWW-Authenticate"), "Bearer") << path;
    EXPECT_EQ(error_of(*got)["code"], "invalid_api_key") << path;
  }
  EXPECT_EQ(bench.get("/v1/models", {{"Authorization", "Bearer two"}})->status(), 200);
}

TEST(Api, RefusesNewWorkWhileDraining) {
  Bench bench;
  bench.draining = true;
  const auto got = bench.chat();
  EXPECT_EQ(got->status(), 503);
  EXPECT_EQ(got->header("Connection"), "close");
  EXPECT_EQ(got->header("Retry-After"), "5");
  EXPECT_EQ(bench.get("/health")->status(), 200);
}

TEST(Api, ShedsWhatTheModelHasNoRoomFor) {
  Bench bench({{"", {.manual = true}}}, {}, 1);
  const auto first = bench.post("/v1/chat/completions", Bench::chat_body());
  const auto second = bench.chat();
  EXPECT_EQ(second->status(), 429);
  EXPECT_EQ(second->header("Retry-After"), "2");
  EXPECT_EQ(error_of(*second)["code"], "rate_limit_exceeded");
}

TEST(Api, AnswersFailuresWithTheirStatus) {
  struct Case {
    Error error;
    int status;
    const char* code;
  };
  const Case kCases[] = {
      {{Code::TooLarge, "the prompt has 9 tokens, the context 8", {}},
       400,
       "context_length_exceeded"},
      {{Code::InvalidInput, "bad grammar", "grammar"}, 400, ""},
      {{Code::Timeout, "no token for 60 s", {}}, 504, "timeout"},
      {{Code::Unavailable, "the engine crashed", {}}, 503, "unavailable"},
      {{Code::Internal, "broken", {}}, 500, ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.error.message);
    Bench bench({{"", {.error = c.error}}});
    for (const char* fields : {"", R"("stream":true)"}) {
      const auto got = bench.chat(fields);
      EXPECT_EQ(got->status(), c.status);
      EXPECT_EQ(error_of(*got)["message"], c.error.message);
      EXPECT_EQ(error_of(*got)["code"], *c.code ? json(c.code) : json(nullptr));
    }
  }
}

TEST(Api, CountsAnswers) {
  Bench bench;
  bench.get("/health");
  bench.get("/health");
  bench.send({"BREW", "/coffee", "/coffee", "", {}, "", ""});
  const std::string text = bench.get("/metrics")->body();
  EXPECT_THAT(
      text, HasSubstr(R"(hearth_http_requests_total{method="GET",path="/health",status="200"} 2)"));
  EXPECT_THAT(
      text, HasSubstr(R"(hearth_http_requests_total{method="other",path="other",status="404"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(hearth_http_request_seconds_count{path="/health"} 2)"));
}

TEST(Api, GivesTheServerItsErrorBody) {
  const json got = json::parse(Api::error_body(413, "the body is above 8 bytes", "body", ""));
  EXPECT_EQ(got["error"], (json{{"message", "the body is above 8 bytes"},
                                {"type", "invalid_request_error"},
                                {"param", "body"},
                                {"code", "too_large"}}));
}

TEST(Api, AnswersEmbeddings) {
  Bench bench;
  const json got = bench.ask("/v1/embeddings", R"({"input":["ab","c",""]})")->json();
  EXPECT_EQ(got["error"]["param"], "input[2]");
  const json good = bench.ask("/v1/embeddings", R"({"input":["ab",[99]]})")->json();
  EXPECT_EQ(good["object"], "list");
  EXPECT_EQ(good["usage"], (json{{"prompt_tokens", 3}, {"total_tokens", 3}}));
  ASSERT_EQ(good["data"].size(), 2u);
  EXPECT_EQ(good["data"][1]["index"], 1);
  EXPECT_EQ(good["data"][1]["object"], "embedding");
  EXPECT_EQ(good["data"][1]["embedding"].size(), 8u);
  const json packed =
      bench.ask("/v1/embeddings", R"({"input":"ab","encoding_format":"base64"})")->json();
  EXPECT_EQ(packed["data"][0]["embedding"].get<std::string>().size(), 44u);  // 32 bytes
}

TEST(Api, TurnsTextToTokensAndBack) {
  Bench bench;
  EXPECT_EQ(bench.ask("/tokenize", R"({"content":"AB"})")->json(), (json{{"tokens", {65, 66}}}));
  EXPECT_EQ(bench.ask("/tokenize", R"({"text":""})")->json(), (json{{"tokens", json::array()}}));
  EXPECT_EQ(bench.ask("/detokenize", R"({"tokens":[65,66]})")->json(), (json{{"content", "AB"}}));
}

}  // namespace
}  // namespace hearth::api
