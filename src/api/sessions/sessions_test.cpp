#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "api/sessions/owner.h"
#include "api/testing/bench.h"
#include "net/percent.h"
#include "store/transcript.h"

namespace hearth::api {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

/// An Api with a store that holds what the test puts in.
class SessionsApi : public ::testing::Test {
 public:
  ~SessionsApi() override {
    api_.reset();
    sessions_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

 protected:
  SessionsApi() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-api-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
    sessions_ = std::make_unique<agent::Sessions>(
        agent::Parts{.store = *store_,
                     .time = time_,
                     .find_model = [](std::string_view) -> model::Model* { return nullptr; },
                     .read_request = read_session_request},
        agent::Sessions::Bounds{.turns_max = 1});
    api_ = std::make_unique<Api>(Parts{.models = {{&model_}},
                                       .config = config_,
                                       .device_id = std::string(64, 'a'),
                                       .registry = registry_,
                                       .time = time_,
                                       .sessions = sessions_.get(),
                                       .store = store_.get()});
  }
  std::string begin(const std::string& name, const std::vector<std::string>& said) {
    const auto session = store::Sessions(*store_, time_).create(soon(), owner_, name).value();
    std::vector<store::Entry> entries;
    for (const std::string& text : said)
      entries.push_back({.message = {.role = chat::Role::User, .content = text}});
    EXPECT_TRUE(store::Transcript(*store_, time_).append(soon(), session.id, entries).ok());
    return session.id;
  }

  std::shared_ptr<testing::RecordedExchange> get(const std::string& path,
                                                 const std::string& query) {
    auto exchange = std::make_shared<testing::RecordedExchange>();
    const net::Headers headers = {{"Host", "localhost"}};
    api_->handler()({"GET", path + "?" + query, path, query, headers, "", "127.0.0.1:1"}, exchange);
    exchange->wait();
    return exchange;
  }
  json post(const std::string& path, const std::string& body) {
    auto exchange = std::make_shared<testing::RecordedExchange>();
    const net::Headers headers = {{"Host", "localhost"}};
    api_->handler()({"POST", path, path, "", headers, body, "127.0.0.1:1"}, exchange);
    exchange->wait();
    return exchange->json();
  }
  json search(const std::string& words, const std::string& more = "") {
    const auto got = get("/v1/search", "q=" + net::percent_encoded(words) + more);
    EXPECT_EQ(got->status(), 200) << words << got->body();
    return got->json();
  }

  std::filesystem::path folder_;
  std::string owner_ = owner_of(0);
  config::Config config_;
  metrics::Registry registry_;
  testing::FixedTime time_;
  model::FakeModel model_{{.name = "fake"}};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<agent::Sessions> sessions_;
  std::unique_ptr<Api> api_;
};

TEST_F(SessionsApi, SearchSaysWhereWordsWereSaid) {
  const std::string id = begin("work", {"the red house", "the blue house"});
  const json got = search("house blue");
  EXPECT_EQ(got["object"], "list");
  EXPECT_EQ(got["has_more"], false);
  ASSERT_EQ(got["data"].size(), 1u);
  EXPECT_EQ(got["data"][0], (json{{"session_id", id},
                                  {"session_name", "work"},
                                  {"number", 1},
                                  {"snippet", "the [blue] [house]"}}));
  EXPECT_EQ(get("/v1/search", "q=red+house")->json()["data"].size(), 1u) << "'+' is a space";
}

TEST_F(SessionsApi, SearchIsBoundedAndSaysWhetherThereIsMore) {
  begin("work", std::vector<std::string>(51, "again"));
  EXPECT_EQ(search("again")["data"].size(), 20u);
  EXPECT_EQ(search("again")["has_more"], true);
  EXPECT_EQ(search("again", "&limit=50")["data"].size(), 50u);
  EXPECT_EQ(search("again", "&limit=50")["has_more"], true);
  EXPECT_EQ(get("/v1/search", "q=again&limit=51")->json()["error"]["param"], "limit");
  EXPECT_EQ(search(std::string(1'024, 'x'))["data"].size(), 0u);
  const auto longer = get("/v1/search", "q=" + std::string(1'025, 'x'));
  EXPECT_EQ(longer->status(), 400);
  EXPECT_EQ(longer->json()["error"]["param"], "q");
}

TEST_F(SessionsApi, SearchTakesOddWordsAsWords) {
  begin("work", {"it's \"quoted\" OR not? 100%"});
  for (const char* words : {"it's", "\"quoted\"", "\"", "'", "?", "OR", "NOT", "a AND", "NEAR(",
                            "*", "100%", "col:x", "-x", "^", "(", "\\", "\xff", "é"})
    search(words);
  EXPECT_EQ(search("\"quoted")["data"].size(), 1u);
  EXPECT_EQ(search("not? it's")["data"].size(), 1u);
  EXPECT_EQ(search("???")["data"].size(), 0u);
}

TEST_F(SessionsApi, SearchNeedsWords) {
  for (const char* query : {"", "q=", "q=+%20", "limit=3", "q=%zz"}) {
    const auto got = get("/v1/search", query);
    EXPECT_EQ(got->status(), 400) << query;
    EXPECT_EQ(got->json()["error"]["param"], "q") << query;
  }
}

TEST_F(SessionsApi, AnothersWordsAreNotFound) {
  begin("mine", {"open plans"});
  owner_ = owner_of(7);
  begin("theirs", {"secret plans"});
  EXPECT_EQ(search("secret")["data"].size(), 0u);
  EXPECT_EQ(search("plans")["data"].size(), 1u);
}

TEST_F(SessionsApi, GivesTheLastMessages) {
  begin("work", {"a", "b", "c"});
  const json two = get("/v1/sessions/work/messages", "last=2")->json();
  ASSERT_EQ(two["data"].size(), 2u);
  EXPECT_EQ(two["data"][0]["content"], "b");
  EXPECT_EQ(two["data"][1]["number"], 2);
  EXPECT_EQ(two["has_more"], true);
  EXPECT_EQ(get("/v1/sessions/work/messages", "last=1000")->json()["has_more"], false);
  EXPECT_EQ(get("/v1/sessions/work/messages", "last=1001")->json()["error"]["param"], "last");
}

TEST_F(SessionsApi, CountsWhatWasSaid) {
  begin("work", {"a", "b", "c"});
  EXPECT_EQ(get("/v1/sessions/work", "")->json()["messages"], 3);
  EXPECT_EQ(get("/v1/sessions", "")->json()["data"][0]["messages"], 3);
  EXPECT_EQ(post("/v1/sessions", R"({"name":"new"})")["messages"], 0);
}

TEST_F(SessionsApi, CancelsOneMessageOrAll) {
  const std::string id = begin("work", {});
  store::Inbox inbox(*store_, time_);
  for (const char* key : {"k1", "k2", "k3", "k4"})
    ASSERT_TRUE(
        inbox.accept(soon(), {.session_id = id, .owner = owner_, .message = {}, .key = key}).ok());
  ASSERT_TRUE(inbox.begin(soon(), id).value());  // k1's turn is 0
  const std::string path = "/v1/sessions/work/cancel";
  const std::pair<const char*, const char*> kBad[] = {
      {R"({"key":7})", "key"}, {R"({"turn":-1})", "turn"}, {R"({"turn":4294967296})", "turn"}};
  for (const auto& [body, field] : kBad) EXPECT_EQ(post(path, body)["error"]["param"], field);
  EXPECT_EQ(post(path, R"({"key":"none"})")["cancelled"], 0);
  EXPECT_EQ(post(path, R"({"turn":1})")["cancelled"], 0);
  EXPECT_EQ(post(path, R"({"key":"k2"})")["cancelled"], 1);
  EXPECT_EQ(inbox.waiting(soon(), id).value(), 2u);
  EXPECT_EQ(post(path, R"({"turn":0})")["cancelled"], 1);
  EXPECT_EQ(inbox.waiting(soon(), id).value(), 2u) << "others wait as before";
  EXPECT_EQ(post(path, "{}")["cancelled"], 2);
  EXPECT_EQ(post(path, "")["cancelled"], 0);
}

TEST_F(SessionsApi, WithoutAWorkspaceThereAreNoTools) {
  const json got = get("/v1/tools", "")->json();
  EXPECT_EQ(got["data"], json::array());
  EXPECT_EQ(got["workspace"], json::array());
  EXPECT_EQ(got["plan_mode"], false);
  EXPECT_EQ(get("/v1/approvals", "")->json()["data"], json::array());
}

TEST_F(SessionsApi, AnAnswerMayHoldForATime) {
  struct Case {
    const char *body, *param, *says;
  };
  const Case kCases[] = {
      {R"({"decision":"allow","scope":"always","expires":"30m"})", "", "there is no approval"},
      {R"({"decision":"deny","scope":"session","expires":"24h"})", "", "there is no approval"},
      {R"({"decision":"allow","expires":null})", "", "there is no approval"},
      {R"({"decision":"allow","scope":"always","expires":"25h"})", "expires", "1s to 24h"},
      {R"({"decision":"allow","scope":"always","expires":"999ms"})", "expires", "1s to 24h"},
      {R"({"decision":"allow","scope":"always","expires":"soon"})", "expires", "1s to 24h"},
      {R"({"decision":"allow","scope":"always","expires":30})", "expires", "string"},
      {R"({"decision":"allow","expires":"30m"})", "expires", "session or always"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.body);
    const json error = post("/v1/approvals/appr_x", c.body)["error"];
    EXPECT_EQ(error["param"].is_null() ? "" : error["param"], c.param);
    EXPECT_THAT(error["message"].get<std::string>(), ::testing::HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace hearth::api
