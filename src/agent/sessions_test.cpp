#include "agent/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "model/fake_model.h"
#include "store/memories.h"
#include "store/summaries.h"
#include "store/transcript.h"

namespace hearth::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Call soon() { return Call::within(Millis(20'000)); }

/// Somebody who waits for an answer.
class Client final : public model::EventSink {
 public:
  void on_event(const chat::Event& event) override {
    MutexLock lock(mutex_);
    if (const auto* delta = std::get_if<chat::Delta>(&event)) text_ += delta->content;
    if (const auto* failed = std::get_if<chat::Failed>(&event)) error_ = failed->error;
    if (const auto* finished = std::get_if<chat::Finished>(&event)) notes_ = finished->notes;
    over_ |= std::holds_alternative<chat::Finished>(event) || error_.has_value();
    changed_.notify_all();
  }
  /// The whole answer, or "Code: message".
  std::string answer() {
    MutexLock lock(mutex_);
    while (!over_) changed_.wait(mutex_);
    return error_ ? std::string(code_name(error_->code)) + ": " + error_->message : text_;
  }
  /// What it was told beside the answer.
  std::vector<std::string> notes() {
    answer();
    MutexLock lock(mutex_);
    return notes_;
  }
  void wait_for(std::string_view text) {
    MutexLock lock(mutex_);
    while (text_ != text) changed_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::string text_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
  std::vector<std::string> notes_ GUARDED_BY(mutex_);
  bool over_ GUARDED_BY(mutex_) = false;
};

class AgentSessions : public ::testing::Test {
 protected:
  AgentSessions() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-agent-XXXXXX";
    folder_ = mkdtemp(name.data());
    begin();
  }
  ~AgentSessions() override {
    sessions_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A process that starts.
  void begin() {
    store_ = store::Store::open(folder_ / "hearth.db").value();
    sessions_ = std::make_unique<Sessions>(parts(), Sessions::Bounds{.turns_max = 4});
  }
  /// A process that is killed: whatever runs is gone, and nothing of it was written down.
  void restart() {
    sessions_.reset();
    store_.reset();
    begin();
    ASSERT_TRUE(sessions_->recover(soon()).ok());
  }
  Parts parts() {
    return {.store = *store_,
            .time = time_,
            .find_model = [this](std::string_view name) -> model::Model* {
              if (name == "writer") return &writer_;
              return name.empty() || name == "fake" ? &model_ : nullptr;
            },
            .read_request =
                [](std::string_view, const std::string&) {
                  return chat::Request{.prompt = chat::Conversation{}};
                },
            .window = window_,
            .summary_model = summary_model_};
  }

  struct Asked {
    std::shared_ptr<Client> client = std::make_shared<Client>();
    std::unique_ptr<model::Generation> listening{};
    std::optional<Error> refused{};
    std::string answer() { return refused ? refused->message : client->answer(); }
  };
  Asked say(const std::string& text, const std::string& session = "s",
            std::optional<std::string> key = {}, const std::string& owner = "ann") {
    Submission submission{.owner = owner, .session = session, .key = std::move(key)};
    submission.messages.push_back({.content = text});
    submission.digest = text.substr(0, 64);
    return submit(submission);
  }
  Asked submit(const Submission& submission) {
    Asked asked;
    const auto session = sessions_->open(soon(), submission);
    if (!session.ok()) {
      asked.refused = session.error();
      return asked;
    }
    auto listening = sessions_->submit(soon(), session.value(), submission, asked.client);
    if (listening.ok()) {
      asked.listening = std::move(listening).value();
    } else {
      asked.refused = listening.error();
    }
    return asked;
  }
  /// "user: hi", "fake: hello", ...
  std::vector<std::string> transcript(const std::string& session = "s") {
    store::Sessions known(*store_, time_);
    const auto id = known.find_named(soon(), "ann", session).value().id;
    std::vector<std::string> lines;
    const auto entries = store::Transcript(*store_, time_).read(soon(), id).value();
    for (const auto& entry : entries)
      lines.push_back((entry.model.empty() ? chat::role_name(entry.message.role) : entry.model) +
                      (": " + entry.message.content));
    return lines;
  }
  chat::Conversation last_conversation() const {
    return std::get<chat::Conversation>(model_.requests().back().prompt);
  }
  /// Behind the static zone.
  std::vector<std::string> last_prompt() const {
    std::vector<std::string> contents;
    for (const auto& message : last_conversation().messages) contents.push_back(message.content);
    EXPECT_EQ(last_conversation().messages.front().role, chat::Role::System);
    contents.erase(contents.begin());
    return contents;
  }
  store::Summary wait_for_summary() {
    store::Summaries summaries(*store_, time_);
    for (;;) {
      if (const auto found = summaries.latest(soon(), id_of("s")).value()) return *found;
      std::this_thread::yield();
    }
  }
  std::string id_of(const std::string& session) {
    return store::Sessions(*store_, time_).find_named(soon(), "ann", session).value().id;
  }
  void wait_until_idle(const std::string& session = "s") {
    const std::string id = id_of(session);
    store::Inbox inbox(*store_, time_);
    while (!inbox.unfinished_of(soon(), id).value().empty()) std::this_thread::yield();
  }

  std::filesystem::path folder_;
  SystemTime time_;
  model::FakeModel model_{
      {.rules = {{"slow", {.pieces = {"one ", "two ", "three"}, .manual = true}},
                 {"slow too", {.pieces = {"four"}, .manual = true}},
                 {"bad", {.error = Error{Code::Unavailable, "the engine crashed"}}},
                 {"", {.pieces = {"Hel", "lo"}}}},
       .context_tokens = 2'048}};
  model::FakeModel writer_{
      {.name = "writer",
       .rules = {{"", {.pieces = {"Ann said a hundred letters, five times or so."}}}},
       .context_tokens = 100'000}};
  context::Window window_{};
  std::string summary_model_{};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Sessions> sessions_;
};

TEST_F(AgentSessions, RememberWhatWasSaid) {
  EXPECT_EQ(say("hi").answer(), "Hello");
  EXPECT_EQ(say("again").answer(), "Hello");
  EXPECT_THAT(last_prompt(), ElementsAre("hi", "Hello", "again"));
  EXPECT_THAT(transcript(), ElementsAre("user: hi", "fake: Hello", "user: again", "fake: Hello"));
  EXPECT_TRUE(model_.requests().back().cache.persist);
}

TEST_F(AgentSessions, GoOnInAnotherProcess) {
  EXPECT_EQ(say("hi").answer(), "Hello");
  restart();
  EXPECT_EQ(say("again", id_of("s")).answer(), "Hello");
  EXPECT_THAT(last_prompt(), ElementsAre("hi", "Hello", "again"));
}

TEST_F(AgentSessions, OfAnotherOwnerDoNotExist) {
  EXPECT_EQ(say("hi").answer(), "Hello");
  const Asked stolen = say("what was said?", id_of("s"), {}, "eve");
  ASSERT_TRUE(stolen.refused);
  EXPECT_EQ(stolen.refused->code, Code::NotFound);
  EXPECT_EQ(say("hi", "s", {}, "eve").answer(), "Hello");  // one of that name of her own
  EXPECT_THAT(last_prompt(), ElementsAre("hi"));
  EXPECT_EQ(sessions_->cancel(soon(), "eve", id_of("s")).error().code, Code::NotFound);
}

TEST_F(AgentSessions, AnswerARepeatedKeyOnce) {
  EXPECT_EQ(say("hi", "s", "key").answer(), "Hello");
  EXPECT_EQ(say("hi", "s", "key").answer(), "Hello");
  EXPECT_EQ(model_.requests().size(), 1u);
  const Asked other = say("something else", "s", "key");
  ASSERT_TRUE(other.refused);
  EXPECT_EQ(other.refused->field, "Idempotency-Key");
}

TEST_F(AgentSessions, WhoAsksAgainMeanwhileHearsEverything) {
  Asked first = say("slow", "s", "key");
  while (model_.step(3) == 0) std::this_thread::yield();
  first.client->wait_for("one two ");
  Asked second = say("slow", "s", "key");
  second.client->wait_for("one two ");
  model_.step(10);
  EXPECT_EQ(first.answer(), "one two three");
  EXPECT_EQ(second.answer(), "one two three");
  EXPECT_EQ(model_.requests().size(), 1u);
}

TEST_F(AgentSessions, TakeOneMessageAtATime) {
  Asked first = say("slow");
  Asked second = say("hi");
  while (model_.step(10) == 0) std::this_thread::yield();
  while (model_.step(10) != 0) {
  }
  EXPECT_EQ(first.answer(), "one two three");
  EXPECT_EQ(second.answer(), "Hello");
  EXPECT_THAT(transcript(),
              ElementsAre("user: slow", "fake: one two three", "user: hi", "fake: Hello"));
}

TEST_F(AgentSessions, AreServedBesideEachOther) {
  Asked slow = say("slow", "a");
  EXPECT_EQ(say("hi", "b").answer(), "Hello");
  EXPECT_EQ(sessions_->state(id_of("b")), State::Idle);
  while (sessions_->state(id_of("a")) != State::Thinking) std::this_thread::yield();
}

TEST_F(AgentSessions, RefuseTheSeventeenthThatWaits) {
  std::vector<Asked> asked;
  asked.push_back(say("slow"));
  while (model_.running() == 0) std::this_thread::yield();
  for (std::size_t i = 0; i < store::Inbox::kWaitingMax; ++i) asked.push_back(say("hi"));
  EXPECT_FALSE(asked.back().refused);
  const Asked over = say("hi");
  ASSERT_TRUE(over.refused);
  EXPECT_EQ(over.refused->code, Code::Busy);
  EXPECT_EQ(sessions_->cancel(soon(), "ann", id_of("s")).value(), 17u);
  for (Asked& one : asked) EXPECT_THAT(one.answer(), HasSubstr("Cancelled"));
  wait_until_idle();
}

TEST_F(AgentSessions, StopWhenNobodyListens) {
  Asked asked = say("slow");
  while (model_.step(2) == 0) std::this_thread::yield();
  asked.client->wait_for("one ");
  asked.listening.reset();
  wait_until_idle();
  EXPECT_THAT(transcript(), ElementsAre("user: slow", "fake: one "));  // what was shown was said
  EXPECT_EQ(model_.cancelled(), 1u);
}

TEST_F(AgentSessions, WithAKeyGoOnWithoutListeners) {
  Asked asked = say("slow", "s", "key");
  while (model_.step(2) == 0) std::this_thread::yield();
  asked.listening.reset();
  model_.step(10);
  wait_until_idle();
  EXPECT_EQ(say("slow", "s", "key").answer(), "one two three");
}

TEST_F(AgentSessions, MakeATurnThatWasCutOffAgain) {
  Asked asked = say("slow", "s", "key");
  while (model_.step(2) == 0) std::this_thread::yield();
  restart();
  EXPECT_THAT(asked.answer(), HasSubstr("Unavailable: the daemon is stopping"));
  while (model_.step(10) == 0) std::this_thread::yield();
  wait_until_idle();
  EXPECT_THAT(transcript(), ElementsAre("user: slow", "fake: one two three"));
  EXPECT_EQ(say("slow", "s", "key").answer(), "one two three");
}

/// While it lives no file of this process becomes longer: a full disk that needs no mount.
class FullDisk {
 public:
  explicit FullDisk(std::uintmax_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(AgentSessions, WriteAnEndLaterThatCannotBeWrittenNow) {
  Asked asked = say("slow", "s", "key");
  while (model_.running() == 0) std::this_thread::yield();
  {
    const FullDisk full(std::filesystem::file_size(folder_ / "hearth.db-wal"));
    while (model_.step(10) != 0) {
    }
    EXPECT_THAT(asked.answer(), HasSubstr("the store cannot"));
    while (sessions_->turns() > 0) std::this_thread::yield();
    EXPECT_EQ(model_.requests().size(), 1u) << "it must not be tried again at once";
  }
  sessions_->retry();
  while (model_.step(10) == 0) std::this_thread::yield();
  wait_until_idle();
  EXPECT_EQ(say("slow", "s", "key").answer(), "one two three");
  EXPECT_THAT(transcript(), ElementsAre("user: slow", "fake: one two three"));
}

TEST_F(AgentSessions, SayWhyATurnFailedAndForgetIt) {
  EXPECT_EQ(say("bad", "s", "key").answer(), "Unavailable: the engine crashed");
  EXPECT_EQ(say("bad", "s", "key").answer(), "Unavailable: the engine crashed");
  EXPECT_EQ(say("hi").answer(), "Hello");
  EXPECT_THAT(last_prompt(), ElementsAre("hi"));
}

TEST_F(AgentSessions, PutTheOldestIntoTheArchiveWhenTheContextIsFull) {
  const std::string first(800, '1'), second(800, '2'), third(800, '3');
  for (const std::string& text : {first, second}) EXPECT_EQ(say(text).answer(), "Hello");
  Asked last = say(third);
  EXPECT_EQ(last.answer(), "Hello");
  EXPECT_THAT(
      last_prompt(),
      ElementsAre("[earlier: 2 older messages are in the archive]\n\n" + second, "Hello", third));
  EXPECT_THAT(last.client->notes(), ElementsAre(HasSubstr("went to the archive")));
  EXPECT_EQ(transcript().size(), 6u);
  Asked next = say("hi");
  EXPECT_EQ(next.answer(), "Hello");
  EXPECT_THAT(next.client->notes(), IsEmpty()) << "it is told once";
  EXPECT_THAT(say(std::string(2'049, 'x')).answer(), HasSubstr("TooLarge"));
  EXPECT_EQ(store::Summaries(*store_, time_).latest(soon(), id_of("s")).value()->number, 2u)
      << "nothing goes for a message that does not fit alone";
}

TEST_F(AgentSessions, SummariseTheOldestWhileNobodyWaits) {
  window_.history_tokens_max = 300;
  summary_model_ = "writer";
  restart();
  for (int turn = 0; turn < 5; ++turn) EXPECT_EQ(say(std::string(100, 'x')).answer(), "Hello");
  const store::Summary summary = wait_for_summary();
  EXPECT_EQ(summary.model, "writer");
  EXPECT_EQ(summary.number, 4u);
  EXPECT_GT(summary.before_tokens, 200u);
  EXPECT_LT(summary.after_tokens, summary.before_tokens);
  Asked next = say("hi");
  EXPECT_EQ(next.answer(), "Hello");
  EXPECT_THAT(last_prompt().front(), StartsWith("[earlier: Ann said a hundred letters"));
  EXPECT_EQ(last_prompt().back(), "hi");
  EXPECT_THAT(next.client->notes(), ElementsAre(HasSubstr("were summarised")));
  EXPECT_EQ(transcript().size(), 12u);
}

TEST_F(AgentSessions, WithoutASummaryALineSaysWhereTheOldestAre) {
  window_.history_tokens_max = 300;  // and "Hello" is no summary
  restart();
  for (int turn = 0; turn < 5; ++turn) EXPECT_EQ(say(std::string(100, 'x')).answer(), "Hello");
  EXPECT_EQ(wait_for_summary().text, "4 older messages are in the archive");
}

TEST_F(AgentSessions, TellTheTimeAndWhatIsRememberedInTheTail) {
  store::Memories memories(*store_, time_);
  ASSERT_TRUE(memories.remember(soon(), "ann", "The cellar key hangs behind the clock.").ok());
  ASSERT_TRUE(memories.remember(soon(), "eve", "Eve has another cellar.").ok());
  EXPECT_EQ(say("Where is the cellar key?").answer(), "Hello");
  EXPECT_THAT(last_conversation().tail,
              ::testing::MatchesRegex(
                  "\\[today: .*\\]\n\\[remembered: The cellar key hangs behind the clock.\\]"));
  EXPECT_EQ(say("What is the time?").answer(), "Hello");
  EXPECT_THAT(last_conversation().tail, ::testing::Not(HasSubstr("remembered")));
  EXPECT_THAT(last_prompt(), ElementsAre("Where is the cellar key?", "Hello", "What is the time?"));
}

TEST_F(AgentSessions, KeepTheirInstructions) {
  Submission submission{.owner = "ann", .session = "s"};
  submission.messages = {{.role = chat::Role::System, .content = "Rhyme."}, {.content = "hi"}};
  EXPECT_EQ(submit(submission).answer(), "Hello");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say(std::string(40, 'x')).answer(), "Hello");
  EXPECT_EQ(last_conversation().messages.front().content, "Rhyme.");
  EXPECT_EQ(last_prompt().back(), std::string(40, 'x'));
  for (const auto& key : {std::optional<std::string>(), std::optional<std::string>("new")}) {
    submission.key = key;
    const Asked late = submit(submission);
    ASSERT_TRUE(late.refused);
    EXPECT_EQ(late.refused->field, "messages[0].role");
  }
}

TEST_F(AgentSessions, RepeatABeginningThatHasInstructions) {
  Submission submission{.owner = "ann", .session = "s", .key = "key"};
  submission.messages = {{.role = chat::Role::System, .content = "Rhyme."}, {.content = "hi"}};
  EXPECT_EQ(submit(submission).answer(), "Hello");
  EXPECT_EQ(submit(submission).answer(), "Hello");
  EXPECT_EQ(transcript().size(), 3u);
}

TEST_F(AgentSessions, AnswerCallsThatTheClientForgot) {
  Submission submission{.owner = "ann", .session = "s"};
  submission.messages = {{.content = "hi"}};
  EXPECT_EQ(submit(submission).answer(), "Hello");
  store::Transcript known(*store_, time_);
  store::Entry call{.message = {.role = chat::Role::Assistant, .content = ""}, .turn = 1};
  call.message.tool_calls.push_back({"c1", "look", "{}"});
  ASSERT_TRUE(known.append(soon(), id_of("s"), {call}).ok());
  EXPECT_EQ(say("well?").answer(), "Hello");
  EXPECT_THAT(last_prompt(), ElementsAre("hi", "Hello", "", HasSubstr("not run"), "well?"));
}

TEST_F(AgentSessions, SayWhatIsWrong) {
  struct Case {
    const char* what;
    std::vector<chat::Message> messages;
    const char* field;
  };
  const Case kCases[] = {
      {"nothing", {}, "messages"},
      {"answers",
       {{.content = "a"}, {.role = chat::Role::Assistant, .content = ""}},
       "messages[1].role"},
      {"late rules",
       {{.content = "a"}, {.role = chat::Role::System, .content = ""}},
       "messages[1].role"},
      {"too many", std::vector<chat::Message>(Sessions::kMessagesMax + 1), "messages"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    Submission submission{.owner = "ann", .session = "s", .messages = c.messages};
    const Asked asked = submit(submission);
    ASSERT_TRUE(asked.refused);
    EXPECT_EQ(asked.refused->code, Code::InvalidInput);
    EXPECT_EQ(asked.refused->field, c.field);
  }
  Submission most{.owner = "ann", .session = "s"};
  most.messages.assign(Sessions::kMessagesMax - 1, {.content = ""});
  most.messages.push_back({.content = "hi"});
  EXPECT_EQ(submit(most).answer(), "Hello");
  EXPECT_EQ(say("hi", "sess_unknown").refused->code, Code::NotFound);
}

TEST(SessionState, FollowsItsTable) {
  for (const Step& step : kSteps) EXPECT_EQ(next(step.from, step.on), step.to);
  EXPECT_EQ(next(State::Waiting, Event::Message), std::nullopt);
  EXPECT_STREQ(state_name(State::Waiting), "waiting");
}

}  // namespace
}  // namespace hearth::agent
