#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "cli/ask/daemon_client.h"
#include "cli/sessions/directory.h"
#include "cli/sessions/message_text.h"
#include "cli/sessions/resumed_text.h"
#include "cli/sessions/sessions_table.h"
#include "cli/sessions/talk.h"
#include "net/server.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

Call soon() { return Call::within(Millis(20'000)); }

// ---- pure ---------------------------------------------------------------------------------------

TEST(ResumedText, ShowsOnlyWhatWasNotSeen) {
  struct Case {
    const char* seen;
    std::vector<std::string> pieces;
    const char* want;  // a '|' where it turned out to be another answer
  };
  const Case kCases[] = {
      {"", {"a", "b"}, "ab"},
      {"one two", {"one two three"}, " three"},
      {"one two", {"one ", "two", " three", " four"}, " three four"},
      {"one", {"one"}, ""},
      {"one", {"one", " two"}, " two"},
      {"one two", {"one ", "three"}, "|one three"},
      {"one two", {"x", "y"}, "|xy"},
      {"one two", {"one"}, "|one"},
      {"one", {}, "|"},
  };
  for (const Case& c : kCases) {
    ResumedText resumed(c.seen);
    std::string shown;
    const auto take = [&](const ResumedText::Step& step) {
      shown += (step.differs ? "|" : "") + step.text;
    };
    for (const std::string& piece : c.pieces) take(resumed.take(piece));
    take(resumed.finish());
    EXPECT_EQ(shown, c.want) << c.seen;
  }
}

TEST(NameAndNumber, CountsOnlyCounters) {
  struct Case {
    const char *name, *stem;
    std::uint64_t number;
  };
  const Case kCases[] = {{"work", "work", 1},
                         {"work-2", "work", 2},
                         {"a-b", "a-b", 1},
                         {"a-b-999", "a-b", 999},
                         {"trip-2026", "trip-2026", 1},
                         {"x-07", "x-07", 1},
                         {"x-", "x-", 1},
                         {"-3", "-3", 1},
                         {"x-3a", "x-3a", 1}};
  for (const Case& c : kCases)
    EXPECT_EQ(name_and_number(c.name), std::make_pair(std::string(c.stem), c.number)) << c.name;
}

TEST(MessageText, SaysWhoSpeaksAndIsSafe) {
  const json user = {{"role", "user"}, {"content", "hi\x1b[2J"}};
  EXPECT_EQ(message_text(user, {}), "you\nhi\xef\xbf\xbd[2J\n");
  const json call = {
      {"role", "assistant"},
      {"content", ""},
      {"model", "ember"},
      {"tool_calls", {{{"function", {{"name", "read_file"}, {"arguments", R"({"path":"a"})"}}}}}}};
  EXPECT_EQ(message_text(call, {}), "ember\ncalls read_file {\"path\":\"a\"}\n");
  EXPECT_EQ(message_text({{"role", "tool"}, {"content", "text\n"}}, {}), "result\ntext\n");
  for (const char* odd : {"{}", "[]", "7", R"({"role":1,"content":[],"tool_calls":[1,{}]})"})
    message_text(json::parse(odd), {});
}

TEST(MessageMarkdown, KeepsWhatWasSaidAndIndentsTools) {
  EXPECT_EQ(message_markdown({{"role", "user"}, {"content", "# a\n* b"}}),
            "## You\n\n# a\n* b\n\n");
  EXPECT_EQ(message_markdown({{"role", "tool"}, {"content", "a\n```"}}),
            "## result\n\n    a\n    ```\n\n");
  EXPECT_EQ(message_markdown({{"role", "assistant"}, {"content", "x"}, {"model", "e\n# f"}}),
            "## e # f\n\nx\n\n");
}

TEST(RecallText, IsCutAtItsBound) {
  EXPECT_EQ(recall_text({{"role", "user"}, {"content", "q"}}), "> q");
  const std::string full(kRecallBytesMax, 'x');
  EXPECT_EQ(recall_text({{"role", "assistant"}, {"content", full}}), full);
  EXPECT_EQ(recall_text({{"role", "assistant"}, {"content", full + "x"}}), full + "…");
  const std::string wide = full.substr(1) + "é";  // the bound is inside of the last character
  EXPECT_EQ(recall_text({{"role", "assistant"}, {"content", wide}}), full.substr(1) + "…");
}

TEST(OneLine, HasNoBreaksAndIsSafe) {
  EXPECT_EQ(one_line("  a \n\t b\r\n"), "a b");
  EXPECT_EQ(one_line("a\x07"), "a\xef\xbf\xbd");
}

// ---- against a server ---------------------------------------------------------------------------

/// A server in the daemon's place, that answers as the test says, and its data directory.
class WithServer : public testing::Test {
 public:
  ~WithServer() override {
    server_.reset();
    lock_.reset();
    fs::remove_all(config_.data_dir);
  }

 protected:
  using Exchange = std::shared_ptr<net::Exchange>;
  using Answer = std::function<void(const Exchange&)>;

  WithServer() {
    std::string name = fs::temp_directory_path() / "hearth-cli-XXXXXX";
    config_.data_dir = mkdtemp(name.data());
    server_ = net::Server::start({}, [this](const net::Request& request, const auto& exchange) {
                take(request, exchange);
              }).value();
    lock_.emplace(app::DaemonLock::acquire(Call::within(Millis(20'000)), config_.data_dir).value());
    EXPECT_TRUE(lock_->publish({.host = "127.0.0.1", .port = server_->port()}).ok());
    info_ = app::find_daemon(config_.data_dir).value().value();
  }
  void take(const net::Request& request, const Exchange& exchange) {
    if (request.path == "/health/ready") return exchange->respond({.body = R"({"missing":[]})"});
    Answer reply;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (replies_.empty()) return exchange->respond({.status = 404, .body = "{}"});
      reply = std::move(replies_.front());
      replies_.erase(replies_.begin());
    }
    reply(exchange);
  }
  void answer(std::string body, int status = 200) {
    replies_.emplace_back([body = std::move(body), status](const Exchange& exchange) {
      exchange->respond({.status = status, .body = body});
    });
  }
  static void write(net::Exchange& exchange, const std::string& word) {
    exchange.write("data: " + json{{"choices", {{{"delta", {{"content", word}}}}}}}.dump() +
                   "\n\n");
  }
  void stream(std::vector<std::string> words) {
    replies_.emplace_back([words = std::move(words)](const Exchange& exchange) {
      exchange->begin(200, {});
      for (const std::string& word : words) write(*exchange, word);
      exchange->write("data: [DONE]\n\n");
      exchange->end();
    });
  }
  /// A stream that breaks off once this much of it was shown.
  void break_off(std::string words) {
    replies_.emplace_back([this, words = std::move(words)](const Exchange& exchange) {
      {
        const std::lock_guard lock(mutex_);
        broken_ = exchange;
        breaks_after_ = words;
      }
      exchange->begin(200, {});
      write(*exchange, words);
    });
  }
  void see(std::string_view text) {
    shown_ += text;
    const std::lock_guard lock(mutex_);
    if (shown_ == breaks_after_) broken_.reset();
  }
  std::vector<std::string> targets() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& request : requests_) all.push_back(request.method + " " + request.target);
    return all;
  }

  config::Config config_;
  std::mutex mutex_;
  std::vector<net::Request> requests_;
  std::vector<Answer> replies_;
  std::unique_ptr<net::Server> server_;
  std::optional<app::DaemonLock> lock_;
  app::DaemonInfo info_;
  Exchange broken_;
  std::string breaks_after_, shown_;
};

class SessionDirectory : public WithServer {
 protected:
  DaemonClient client_{info_, config_};
  Directory directory_{client_};
};

TEST_F(SessionDirectory, FindsByAnyName) {
  answer(R"({"id":"sess_1","name":"a b?","state":"idle","created_at":7,"used_at":8})");
  const auto found = directory_.find(soon(), "a b?").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->label(), "a b?");
  EXPECT_EQ(found->used_s, 8);
  EXPECT_FALSE(directory_.find(soon(), "none").value());
  EXPECT_EQ(directory_.find(soon(), "").error().code, Code::InvalidInput);
  EXPECT_EQ(directory_.require(soon(), "none").error().code, Code::NotFound);
  answer(R"({"data":[{"id":"sess_1","name":"x"},{"id":"sess_2","name":"a/b"}]})");
  EXPECT_EQ(directory_.find(soon(), "a/b").value()->id, "sess_2");
  EXPECT_THAT(targets(),
              ElementsAre("GET /v1/sessions/a%20b%3F", "GET /v1/sessions/none",
                          "GET /v1/sessions/none", "GET /v1/sessions?limit=1000&skip=0"));
}

TEST_F(SessionDirectory, ReadsAllPagesAndHalvesThoseThatAreTooLong) {
  answer(R"({"data":[{"number":0},{"number":1}],"has_more":true})");
  answer("{}", 413);
  answer(R"({"data":[{"number":2}],"has_more":false})");
  std::vector<int> numbers;
  ASSERT_TRUE(directory_
                  .each_message(
                      soon(), "sess_1",
                      [&](const json& message) { numbers.push_back(message["number"].get<int>()); })
                  .ok());
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2));
  EXPECT_THAT(targets(), ElementsAre("GET /v1/sessions/sess_1/messages?from=0&limit=100",
                                     "GET /v1/sessions/sess_1/messages?from=2&limit=100",
                                     "GET /v1/sessions/sess_1/messages?from=2&limit=50"));
}

TEST_F(SessionDirectory, TakesTheNextFreeName) {
  const char* const all = R"({"data":[{"id":"sess_1","name":"work-2"},
                                      {"id":"sess_2","name":"work-3"}]})";
  answer(all);
  EXPECT_EQ(directory_.free_name(soon(), "work-2").value(), "work-4");
  answer(all);
  EXPECT_EQ(directory_.free_name(soon(), "new").value(), "new");
  const std::string long_name(Directory::kNameBytesMax + 1, 'x');
  answer(all);
  EXPECT_EQ(directory_.free_name(soon(), long_name).value().size(), Directory::kNameBytesMax);
}

TEST_F(SessionDirectory, TellsWhatWaitsInASession) {
  const char* const all = R"({"data":[{"id":"appr_1","session_id":"sess_1"},
                                      {"id":"appr_2","session_id":"sess_2"}]})";
  answer(all);
  EXPECT_EQ(directory_.approvals(soon()).value().size(), 2u);
  answer(all);
  const auto some = directory_.approvals(soon(), "sess_2").value();
  ASSERT_EQ(some.size(), 1u);
  EXPECT_EQ(some[0].id, "appr_2");
  answer("{}");
  EXPECT_EQ(directory_.approvals(soon()).error().code, Code::Unavailable);
}

TEST(SessionsTable, CountsMessages) {
  const std::string table = sessions_table(
      {{.id = "sess_1", .name = "work", .state = "idle", .messages = 12}, {.id = "sess_2"}});
  EXPECT_THAT(table, HasSubstr("NAME  ID      STATE  MESSAGES  LAST USED\n"));
  EXPECT_THAT(table, HasSubstr("work  sess_1  idle   12        "));
  EXPECT_THAT(table, HasSubstr("-     sess_2         0         "));
}

TEST_F(SessionDirectory, SaysWhenTheDaemonTalksNonsense) {
  for (const char* odd : {"[]", "7", "{}", R"({"data":7})", R"({"data":[7]})", "no json"}) {
    answer(odd);
    EXPECT_EQ(directory_.list(soon()).error().code, Code::Unavailable) << odd;
    answer(odd);
    EXPECT_EQ(directory_.each_message(soon(), "x", [](const json&) {}).error().code,
              Code::Unavailable)
        << odd;
  }
}

class InASession : public WithServer {
 protected:
  Result<cli::Reply> ask() {
    return talk_.ask(soon(), "ember", {.messages = {said(chat::Role::User, "q")}, .session = "s"},
                     {.on_text = [this](std::string_view text) { see(text); },
                      .on_note = [this](const std::string& note) { notes_.push_back(note); }});
  }
  Talk talk_{DaemonClient(info_, config_), config_};
  std::vector<std::string> notes_;
};

TEST_F(InASession, EveryMessageHasItsOwnKey) {
  stream({"a"});
  stream({"b"});
  ASSERT_TRUE(ask().ok());
  ASSERT_TRUE(ask().ok());
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_NE(*requests_[0].header("Idempotency-Key"), *requests_[1].header("Idempotency-Key"));
  EXPECT_EQ(json::parse(requests_[0].body)["session_id"], "s");
}

TEST_F(InASession, ABrokenAnswerIsAskedForAgainAndGoesOn) {
  break_off("one two");
  stream({"one two", " three"});
  const auto reply = ask();
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply.value().text, "one two three");
  EXPECT_EQ(shown_, "one two three");
  EXPECT_THAT(notes_, ElementsAre());
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(*requests_[0].header("Idempotency-Key"), *requests_[1].header("Idempotency-Key"));
  EXPECT_EQ(requests_[0].body, requests_[1].body);
}

TEST_F(InASession, AnotherAnswerIsShownWholeBehindANote) {
  break_off("one two");
  stream({"one three"});
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(shown_, "one twoone three");
  EXPECT_EQ(notes_.size(), 1u);
}

TEST_F(InASession, IsAskedAgainOnceOnly) {
  break_off("one");
  break_off("one more");
  EXPECT_EQ(ask().error().code, Code::Unavailable);
  EXPECT_EQ(requests_.size(), 2u);
}

TEST_F(InASession, WhatTheDaemonRefusesIsNotRepeated) {
  answer(R"({"error":{"message":"the mailbox is full"}})", 429);
  EXPECT_EQ(ask().error().code, Code::Busy);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(InASession, AStoppedCallCancelsTheTurn) {
  std::stop_source stop;
  stop.request_stop();
  answer(R"({"id":"sess_1","name":"s"})");
  answer("{}");
  const auto reply =
      talk_.ask(Call::within(Millis(20'000), stop.get_token()), "ember",
                {.messages = {said(chat::Role::User, "q")}, .session = "s"},
                {.on_text = [](std::string_view) {}, .on_note = [](const std::string&) {}});
  EXPECT_EQ(reply.error().code, Code::Cancelled);
  EXPECT_EQ(targets().back(), "POST /v1/sessions/sess_1/cancel");
  EXPECT_THAT(json::parse(requests_.back().body)["key"].get<std::string>(),
              testing::StartsWith("cli-"))
      << "and no other message of the session";
}

TEST_F(InASession, ADecisionGivesTheRestOfTheTurn) {
  stream({"done"});
  const Approval approval{.id = "appr_1", .session_id = "sess_1", .turn = 7};
  const Show show{.on_text = [this](std::string_view text) { see(text); }, .on_note = {}};
  const cli::Answer yes{true, cli::Answer::Scope::Session, true};
  ASSERT_TRUE(talk_.decide(soon(), approval, yes, show).ok());
  EXPECT_EQ(shown_, "done");
  EXPECT_THAT(targets(), ElementsAre("POST /v1/approvals/appr_1"));
  EXPECT_EQ(requests_[0].body, decision_body(yes));
  answer(R"({"error":{"message":"approval: it has expired","param":"approval"}})", 400);
  EXPECT_EQ(talk_.decide(soon(), approval, yes, show).error().field, "approval");
  std::stop_source stop;
  stop.request_stop();
  answer("{}");
  const Call stopped = Call::within(Millis(20'000), stop.get_token());
  EXPECT_EQ(talk_.decide(stopped, approval, yes, show).error().code, Code::Cancelled);
  EXPECT_EQ(targets().back(), "POST /v1/sessions/sess_1/cancel");
  EXPECT_EQ(json::parse(requests_.back().body), (json{{"turn", 7}}));
}

TEST_F(InASession, AnInstructionIsLateOnceSomethingWasSaid) {
  const DaemonClient client(info_, config_);
  EXPECT_FALSE(has_begun(soon(), client, "none").value());
  answer(R"({"id":"sess_1","state":"thinking"})");
  EXPECT_TRUE(has_begun(soon(), client, "s").value());
  answer(R"({"id":"sess_1","state":"idle"})");
  answer(R"({"data":[]})");
  EXPECT_FALSE(has_begun(soon(), client, "s").value());
  answer(R"({"id":"sess_1","state":"idle"})");
  answer(R"({"data":[{"role":"user"}]})");
  EXPECT_TRUE(has_begun(soon(), client, "s").value());
}

}  // namespace
}  // namespace hearth::cli
