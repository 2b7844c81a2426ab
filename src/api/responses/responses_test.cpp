// The Responses API over a scripted model and a store. What each field becomes is tested in
// dialect/responses.
#include "store/responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "api/testing/bench.h"
#include "store/sessions.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Call soon() { return Call::within(Millis(20'000)); }

class ResponsesFace : public ::testing::Test {
 public:
  ~ResponsesFace() override {
    bench_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

 protected:
  ResponsesFace() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-responses-XXXXXX";
    folder_ = mkdtemp(name.data());
    restart();
  }
  /// What a process that starts finds.
  void restart(std::vector<model::FakeRule> rules = {{"", {.pieces = {"Hel", "lo"}}}},
               std::vector<std::string> tokens = {}) {
    bench_.reset();
    store_.reset();
    store_ = store::Store::open(folder_ / "hearth.db").value();
    bench_ = std::make_unique<Bench>(
        std::move(rules), config::Config::Server{.tokens = std::move(tokens)}, 36, store_.get());
    EXPECT_TRUE(bench_->api->recover(soon()).ok());
  }
  using Answer = std::shared_ptr<testing::RecordedExchange>;
  static std::string body(const std::string& fields = "", const std::string& input = R"("hi")") {
    return R"({"model":"fake","input":)" + input + (fields.empty() ? "" : "," + fields) + "}";
  }
  Answer create(const std::string& fields = "", const std::string& input = R"("hi")") {
    return bench_->ask("/v1/responses", body(fields, input));
  }
  Answer follow(const std::string& id, const std::string& input = R"("and?")") {
    return create(R"("previous_response_id":")" + id + '"', input);
  }
  Answer send(const char* method, const std::string& path, const std::string& query = "",
              net::Headers headers = {}) {
    auto exchange =
        bench_->send({method, path + "?" + query, path, query, std::move(headers), "", ""});
    exchange->wait();
    return exchange;
  }
  Answer get(const std::string& id) { return send("GET", "/v1/responses/" + id); }
  Answer cancel(const std::string& id) { return send("POST", "/v1/responses/" + id + "/cancel"); }
  static std::string id_of(const Answer& answer) { return answer->json()["id"]; }
  std::vector<std::string> said_in(std::size_t request) const {
    std::vector<std::string> texts;
    const auto asked = bench_->model.requests().at(request);
    for (const auto& message : std::get<chat::Conversation>(asked.prompt).messages)
      texts.push_back(std::string(chat::role_name(message.role)) + ": " + message.content);
    return texts;
  }
  /// The next events of the model, which may not have been asked yet.
  void step(std::size_t events) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    for (std::size_t done = 0; done < events && Clock::now() < deadline;)
      done += bench_->model.step(1);
  }
  /// Asks until the response has ended.
  json ended(const std::string& id) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    json body = get(id)->json();
    while ((body["status"] == "queued" || body["status"] == "in_progress") &&
           Clock::now() < deadline)
      body = get(id)->json();
    return body;
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Bench> bench_;
};

TEST_F(ResponsesFace, AnswersWholeAndGivesItAgain) {
  const auto got = create(R"("metadata":{"a":"b"})");
  EXPECT_EQ(got->status(), 200);
  EXPECT_THAT(id_of(got), StartsWith("resp_"));
  EXPECT_EQ(got->json()["status"], "completed");
  EXPECT_EQ(got->json()["output"][0]["content"][0]["text"], "Hello");
  EXPECT_EQ(got->json()["metadata"]["a"], "b");
  restart();
  EXPECT_EQ(get(id_of(got))->json(), got->json());
  EXPECT_EQ(get("resp_none")->status(), 404);
}

TEST_F(ResponsesFace, StreamsNumberedEventsAndKeepsTheLast) {
  const auto got = create(R"("stream":true)");
  EXPECT_EQ(got->header("Content-Type"), "text/event-stream; charset=utf-8");
  const auto events = got->named_events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].second["sequence_number"], i);
    EXPECT_EQ(events[i].second["type"], events[i].first);
  }
  EXPECT_EQ(events.back().first, "response.completed");
  const json last = events.back().second["response"];
  EXPECT_EQ(last["output"][0]["content"][0]["text"], "Hello");
  EXPECT_EQ(get(last["id"])->json(), last);
}

TEST_F(ResponsesFace, FollowsWhatWasSaidAlsoAfterARestart) {
  const auto first = create(R"("instructions":"be brief")", R"("q1")");
  restart();
  const auto second = follow(id_of(first), R"("q2")");
  EXPECT_EQ(second->status(), 200);
  EXPECT_EQ(second->json()["previous_response_id"], id_of(first));
  EXPECT_THAT(said_in(0), ElementsAre("user: q1", "assistant: Hello", "user: q2"));
  follow(id_of(second), R"("q3")");
  EXPECT_THAT(said_in(1), ElementsAre("user: q1", "assistant: Hello", "user: q2",
                                      "assistant: Hello", "user: q3"));
  follow(id_of(first), R"("other")");
  EXPECT_THAT(said_in(2), ElementsAre("user: q1", "assistant: Hello", "user: other"));
}

TEST_F(ResponsesFace, AChainIsOneSessionAndAForkAnother) {
  const auto first = create();
  const auto second = follow(id_of(first));
  const auto fork = follow(id_of(first));
  follow(id_of(second));
  const auto requests = bench_->model.requests();
  const std::string session = requests.at(0).session;
  EXPECT_THAT(session, StartsWith("sess_"));
  EXPECT_EQ(requests.at(1).session, session);
  EXPECT_EQ(requests.at(3).session, session);
  for (const auto& request : requests) {
    EXPECT_EQ(request.cache.key, request.session);
    EXPECT_TRUE(request.cache.persist);
  }
  follow(id_of(fork));
  EXPECT_NE(bench_->model.requests().at(4).session, session);
  EXPECT_TRUE(store::Sessions(*store_, bench_->time).list(soon(), "local").value().empty());
}

TEST_F(ResponsesFace, WhatIsNotStoredIsNotFound) {
  const auto got = create(R"("store":false)");
  EXPECT_EQ(got->json()["store"], false);
  EXPECT_EQ(get(id_of(got))->status(), 404);
  const auto next = follow(id_of(got));
  EXPECT_EQ(next->status(), 404);
  EXPECT_EQ(next->json()["error"]["param"], "previous_response_id");
  EXPECT_FALSE(bench_->model.requests().at(0).cache.persist);
}

TEST_F(ResponsesFace, OnlyItsOwnTokenMayUseOne) {
  restart({{"", {.pieces = {"x"}}}}, {"ann", "bob"});
  const net::Headers ann = {{"Authorization", "Bearer ann"}}, bob = {{"x-api-key", "bob"}};
  const auto made = bench_->post("/v1/responses", body(), ann);
  made->wait();
  const std::string path = "/v1/responses/" + id_of(made);
  const std::string next = body(R"("previous_response_id":")" + id_of(made) + '"');
  EXPECT_EQ(send("GET", path, "", ann)->status(), 200);
  EXPECT_EQ(send("GET", path, "", bob)->status(), 404);
  EXPECT_EQ(send("GET", path + "/input_items", "", bob)->status(), 404);
  EXPECT_EQ(send("POST", path + "/cancel", "", bob)->status(), 404);
  EXPECT_EQ(send("DELETE", path, "", bob)->status(), 404);
  const auto stolen = bench_->post("/v1/responses", next, bob);
  stolen->wait();
  EXPECT_EQ(stolen->status(), 404);
  const auto own = bench_->post("/v1/responses", next, ann);
  own->wait();
  EXPECT_EQ(own->status(), 200);
}

TEST_F(ResponsesFace, ToolsGoRound) {
  restart({{"", {.tool_calls = {{"call_1", "look", "{}"}}}}});
  const auto called = create(R"("tools":[{"type":"function","name":"look","parameters":{}}])");
  EXPECT_EQ(called->json()["output"][0]["type"], "function_call");
  const auto silent = follow(id_of(called));
  EXPECT_EQ(silent->status(), 400);
  EXPECT_EQ(silent->json()["error"]["param"], "input");
  EXPECT_THAT(silent->json()["error"]["message"].get<std::string>(), HasSubstr("call_1"));
  const auto stray =
      follow(id_of(called), R"([{"type":"function_call_output","call_id":"call_2","output":"a"}])");
  EXPECT_EQ(stray->status(), 400);
  const auto said =
      follow(id_of(called), R"([{"type":"function_call_output","call_id":"call_1","output":"a"}])");
  EXPECT_EQ(said->status(), 200) << said->body();
  const auto asked = std::get<chat::Conversation>(bench_->model.requests().at(1).prompt);
  EXPECT_EQ(asked.messages.at(2).name, "look");
}

TEST_F(ResponsesFace, IsMadeInTheBackground) {
  restart({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const auto queued = create(R"("background":true)");
  EXPECT_EQ(queued->status(), 200);
  EXPECT_EQ(queued->json()["status"], "queued");
  const std::string id = id_of(queued);
  EXPECT_EQ(get(id)->json()["status"], "queued");
  const auto early = follow(id);
  EXPECT_EQ(early->status(), 400);
  EXPECT_THAT(early->body(), HasSubstr("still being made"));
  queued->hang_up();
  step(1);
  EXPECT_EQ(get(id)->json()["status"], "in_progress");
  step(3);
  const json done = ended(id);
  EXPECT_EQ(done["status"], "completed");
  EXPECT_EQ(done["output"][0]["content"][0]["text"], "ab");
  EXPECT_EQ(bench_->model.cancelled(), 0u);
}

TEST_F(ResponsesFace, ABackgroundStreamGoesOnWithoutItsClient) {
  restart({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const auto stream = bench_->post("/v1/responses", body(R"("background":true,"stream":true)"));
  step(2);
  ASSERT_TRUE(stream->wait_for_text("output_text.delta"));
  const std::string id = stream->named_events().at(0).second["response"]["id"];
  stream->hang_up();
  step(2);
  EXPECT_EQ(ended(id)["status"], "completed");
}

TEST_F(ResponsesFace, ABackgroundOneIsCancelled) {
  restart({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const std::string id = id_of(create(R"("background":true)"));
  EXPECT_EQ(cancel(id)->json()["status"], "cancelled");
  EXPECT_EQ(get(id)->json()["status"], "cancelled");
  EXPECT_EQ(cancel(id)->json()["status"], "cancelled");
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (bench_->api->answers() > 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(bench_->model.running(), 0u);
  EXPECT_EQ(get(id)->json()["status"], "cancelled");
  EXPECT_THAT(follow(id)->body(), HasSubstr("ended without an answer"));
}

TEST_F(ResponsesFace, OnlyBackgroundOnesAreCancelled) {
  const auto refused = cancel(id_of(create()));
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(refused->json()["error"]["param"], "background");
}

TEST_F(ResponsesFace, WhatACrashCutOffHasFailed) {
  restart({{"", {.pieces = {"a"}, .manual = true}}});
  const store::Response left{.id = "resp_left",
                             .owner = "local",
                             .body = R"({"id":"resp_left","status":"queued","error":null})",
                             .input = "[]"};
  ASSERT_TRUE(store::Responses(*store_, bench_->time).begin(soon(), left).ok());
  restart();
  const json failed = get("resp_left")->json();
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_THAT(failed["error"]["message"].get<std::string>(), HasSubstr("daemon ended"));
}

TEST_F(ResponsesFace, WhatTheEndOfTheDaemonCutOffHasFailed) {
  restart({{"", {.pieces = {"a"}, .manual = true}}});
  const std::string id = id_of(create(R"("background":true)"));
  while (bench_->model.running() == 0) std::this_thread::yield();
  bench_->api->end_answers();
  const json failed = ended(id);
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_THAT(failed["error"]["message"].get<std::string>(), HasSubstr("stopping"));
}

TEST_F(ResponsesFace, ListsWhatWasAsked) {
  const std::string path = "/v1/responses/" + id_of(create("", R"([
      {"role":"user","content":"a"},{"role":"assistant","content":"b"},
      {"role":"user","content":"c"}])")) +
                           "/input_items";
  const json all = send("GET", path, "order=asc")->json();
  ASSERT_EQ(all["data"].size(), 3u);
  EXPECT_EQ(all["data"][0]["content"], "a");
  EXPECT_EQ(all["data"][0]["type"], "message");
  EXPECT_EQ(all["has_more"], false);
  const json last = send("GET", path, "limit=1")->json();
  EXPECT_EQ(last["data"][0]["content"], "c");
  EXPECT_EQ(last["has_more"], true);
  const json next =
      send("GET", path, "limit=1&after=" + last["last_id"].get<std::string>())->json();
  EXPECT_EQ(next["data"][0]["content"], "b");
  EXPECT_EQ(send("GET", path, "after=none")->status(), 400);
  EXPECT_EQ(send("GET", path, "limit=101")->status(), 400);
}

TEST_F(ResponsesFace, IsDeleted) {
  const std::string id = id_of(create());
  EXPECT_EQ(send("DELETE", "/v1/responses/" + id)->json()["deleted"], true);
  EXPECT_EQ(get(id)->status(), 404);
  EXPECT_EQ(send("DELETE", "/v1/responses/" + id)->status(), 404);
}

TEST_F(ResponsesFace, RefusesWhatItCannotDo) {
  struct Case {
    const char* fields;
    const char* param;
  };
  const Case kCases[] = {{R"("background":true,"store":false)", "background"},
                         {R"("conversation":"c")", "conversation"},
                         {R"("temperature":9)", "temperature"}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.fields);
    const auto got = create(c.fields);
    EXPECT_EQ(got->status(), 400);
    EXPECT_EQ(got->json()["error"]["param"], c.param);
  }
  EXPECT_EQ(bench_->ask("/v1/responses", R"({"model":"other","input":"a"})")->status(), 404);
  EXPECT_EQ(send("GET", "/v1/responses/" + id_of(create()), "stream=true")->status(), 400);
}

TEST_F(ResponsesFace, AClientThatLeavesEndsTheWork) {
  restart({{"", {.pieces = {"a", "b"}, .manual = true}}});
  const auto stream = bench_->post("/v1/responses", body(R"("stream":true)"));
  bench_->model.step(2);
  ASSERT_TRUE(stream->wait_for_text("output_text.delta"));
  stream->hang_up();
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (bench_->api->answers() > 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(bench_->model.running(), 0u);
}

TEST(ResponsesWithoutAStore, AreMadeAndForgotten) {
  Bench bench;
  const auto got = bench.ask("/v1/responses", R"({"model":"fake","input":"hi"})");
  EXPECT_EQ(got->json()["store"], false);
  EXPECT_EQ(bench.get("/v1/responses/resp_1")->status(), 404);
  EXPECT_EQ(
      bench.ask("/v1/responses", R"({"model":"fake","input":"a","background":true})")->status(),
      400);
}

}  // namespace
}  // namespace hearth::api
