// Ollama's face over a scripted model. What each field becomes is tested in dialect/ollama.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/bench.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using testing::Bench;
using ::testing::HasSubstr;

std::string chat_with(const std::string& fields = "", const std::string& model = "fake") {
  return R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hi"}])" +
         (fields.empty() ? "" : "," + fields) + "}";
}

TEST(OllamaFace, StreamsLinesUnlessTold) {
  Bench bench;
  const auto got = bench.ask("/api/chat", chat_with());
  EXPECT_EQ(got->status(), 200);
  EXPECT_EQ(got->header("Content-Type"), "application/x-ndjson");
  std::string text;
  for (const json& line : got->lines()) text += line["message"]["content"].get<std::string>();
  EXPECT_EQ(text, "Hello");
  EXPECT_EQ(got->lines().back()["done"], true);
  EXPECT_EQ(got->lines().back()["done_reason"], "stop");
  EXPECT_EQ(got->lines().back()["created_at"], "2023-11-14T22:13:20.000Z");
}

TEST(OllamaFace, AnswersWholeAndByTag) {
  Bench bench;
  for (const char* name : {"fake", "fake:latest"}) {
    const auto got = bench.ask("/api/chat", chat_with(R"("stream":false)", name));
    EXPECT_EQ(got->status(), 200) << got->body();
    EXPECT_EQ(got->header("Content-Type"), "application/json");
    EXPECT_EQ(got->json()["model"], name);
    EXPECT_EQ(got->json()["message"]["content"], "Hello");
    EXPECT_EQ(got->json()["prompt_eval_count"], 2);
  }
  for (const char* name : {"fake:7b", ":latest", "other"}) {
    const auto got = bench.ask("/api/chat", chat_with("", name));
    EXPECT_EQ(got->status(), 404) << name;
    EXPECT_THAT(got->json()["error"].get<std::string>(), HasSubstr("does not exist"));
  }
}

TEST(OllamaFace, CallsTools) {
  Bench bench({{"", {.tool_calls = {{"call_1", "look", R"({"a":1})"}}}}});
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}])";
  const auto got = bench.ask("/api/chat", chat_with(R"("stream":false,)" + tools));
  EXPECT_EQ(got->json()["message"]["tool_calls"][0]["function"]["arguments"], (json{{"a", 1}}));
}

TEST(OllamaFace, Generates) {
  Bench bench;
  const auto got = bench.ask("/api/generate", R"({"model":"fake","prompt":"hi","stream":false})");
  EXPECT_EQ(got->json()["response"], "Hello");
  const auto raw =
      bench.ask("/api/generate", R"({"model":"fake","prompt":"hi","raw":true,"stream":false})");
  EXPECT_EQ(raw->json()["response"], "Hello");
  EXPECT_EQ(std::get<chat::PlainText>(bench.model.requests().at(1).prompt).text, "hi");
  const auto suffix = bench.ask("/api/generate", R"({"model":"fake","prompt":"a","suffix":"b"})");
  EXPECT_EQ(suffix->status(), 400);
  EXPECT_THAT(suffix->json()["error"].get<std::string>(), HasSubstr("suffix"));
}

TEST(OllamaFace, LoadsAndUnloads) {
  Bench bench;
  const auto loaded = bench.ask("/api/generate", R"({"model":"fake","stream":false})");
  EXPECT_EQ(loaded->status(), 200);
  EXPECT_EQ(loaded->json()["done_reason"], "load");
  const auto lines = bench.ask("/api/chat", R"({"model":"fake","messages":[]})");
  EXPECT_EQ(lines->header("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(lines->lines().at(0)["done_reason"], "load");
  const auto stays = bench.ask("/api/generate", R"({"model":"fake","keep_alive":0})");
  EXPECT_EQ(stays->status(), 400);  // the scripted model is always there
  EXPECT_THAT(stays->json()["error"].get<std::string>(), HasSubstr("cannot be unloaded"));
  EXPECT_TRUE(bench.model.requests().empty());
}

TEST(OllamaFace, SaysWhatWasLost) {
  Bench bench;
  const auto got = bench.ask(
      "/api/chat", chat_with(R"("stream":false,"keep_alive":"5m","options":{"num_ctx":4096})"));
  EXPECT_THAT(got->header("x-hearth-lost"), HasSubstr("options.num_ctx: is not used"));
  EXPECT_THAT(got->header("x-hearth-lost"), HasSubstr("keep_alive: models stay loaded"));
}

TEST(OllamaFace, ShowsItsModels) {
  Bench bench;
  for (const char* path : {"/api/tags", "/api/ps"}) {
    const json models = bench.get(path)->json()["models"];
    ASSERT_EQ(models.size(), 1u);
    EXPECT_EQ(models[0]["name"], "fake:latest");
    EXPECT_EQ(models[0]["details"]["format"], "gguf");
  }
  EXPECT_THAT(bench.get("/api/ps")->json()["models"][0]["expires_at"].get<std::string>(),
              HasSubstr("9999-"));
  const json shown = bench.ask("/api/show", R"({"model":"fake:latest"})")->json();
  EXPECT_EQ(shown["capabilities"][0], "completion");
  EXPECT_EQ(bench.ask("/api/show", R"({"model":"other"})")->status(), 404);
  bench.model.set_state(model::State::Unloaded, "");
  EXPECT_TRUE(bench.get("/api/ps")->json()["models"].empty());
}

TEST(OllamaFace, Embeds) {
  Bench bench;
  const json many = bench.ask("/api/embed", R"({"model":"fake","input":["a","b"]})")->json();
  EXPECT_EQ(many["embeddings"].size(), 2u);
  EXPECT_EQ(many["prompt_eval_count"], 2);
  const json one = bench.ask("/api/embeddings", R"({"model":"fake","prompt":"a"})")->json();
  EXPECT_EQ(one["embedding"], many["embeddings"][0]);
  EXPECT_TRUE(
      bench.ask("/api/embed", R"({"model":"fake","input":[]})")->json()["embeddings"].empty());
  EXPECT_EQ(bench.ask("/api/embeddings", R"({"model":"fake"})")->status(), 400);
}

TEST(OllamaFace, SomebodyIsThere) {
  Bench bench;
  EXPECT_EQ(bench.get("/")->body(), "Ollama is running");
  EXPECT_EQ(bench.get("/api/version")->json()["version"], HEARTH_VERSION);
}

TEST(OllamaFace, NamesTheCommandForWhatItDoesNotDo) {
  struct Case {
    const char* method;
    const char* path;
    const char* command;
  };
  const Case kCases[] = {
      {"POST", "/api/pull", "hearth pull"},  {"DELETE", "/api/delete", "hearth model rm"},
      {"POST", "/api/push", "hearth model"}, {"POST", "/api/create", "hearth model"},
      {"POST", "/api/copy", "hearth model"}, {"POST", "/api/blobs/sha256:abc", "hearth model"}};
  Bench bench;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.path);
    const auto got = bench.send({c.method, c.path, c.path, "", {}, "{}", ""});
    EXPECT_EQ(got->status(), 501);
    EXPECT_THAT(got->json()["error"].get<std::string>(), HasSubstr(c.command));
  }
  EXPECT_EQ(bench.get("/api/nothing")->status(), 404);
  EXPECT_THAT(bench.get("/api/nothing")->json()["error"].get<std::string>(), HasSubstr("Invalid"));
}

TEST(OllamaFace, BreaksOffWithAnError) {
  Bench bench({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const auto got = bench.post("/api/chat", chat_with());
  bench.model.step(2);
  ASSERT_TRUE(got->wait_for_text("\"a\""));
  bench.model.fail_all({Code::Unavailable, "the engine has crashed", {}});
  ASSERT_TRUE(got->wait());
  EXPECT_EQ(got->lines().back(), (json{{"error", "the engine has crashed"}}));
}

}  // namespace
}  // namespace hearth::api
