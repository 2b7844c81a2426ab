#include "agent/turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "agent/sessions.h"
#include "model/fake_model.h"
#include "store/transcript.h"

namespace hearth::agent {
namespace {

using ::testing::ElementsAre;

Call soon() { return Call::within(Millis(20'000)); }

class Ring final : public tools::Tool {
 public:
  explicit Ring(int& rung) : rung_(rung) {}
  std::string name() const override { return "ring"; }
  std::string description() const override { return "Rings."; }
  std::string parameters() const override { return R"({"type":"object","properties":{}})"; }
  policy::Effect effect() const override { return policy::Effect::Writes; }
  Result<tools::Target> target(const Call&, const Json&, const tools::Asker&) const override {
    return tools::Target{"tower", "", policy::Place::Workspace};
  }
  Result<tools::Outcome> run(const Call&, const tools::Job&) const override {
    return tools::Outcome{"rung " + std::to_string(++rung_)};
  }

 private:
  int& rung_;
};

/// Hears one answer: "Hello | calls c2:fetch | asks ring | requires_action".
class Client final : public model::EventSink {
 public:
  void on_event(const chat::Event& event) override {
    MutexLock lock(mutex_);
    if (const auto* delta = std::get_if<chat::Delta>(&event)) {
      text_ += delta->content;
      for (const auto& call : delta->tool_calls)
        if (!call.id.empty()) calls_ += " | calls " + call.id + ":" + call.name;
    }
    if (const auto* finished = std::get_if<chat::Finished>(&event)) {
      for (const auto& question : finished->questions) {
        question_ = question.id;
        calls_ += " | asks " + question.tool;
      }
      end_ = chat::finish_reason_name(finished->reason);
    }
    if (const auto* failed = std::get_if<chat::Failed>(&event)) end_ = failed->error.message;
    changed_.notify_all();
  }
  std::string answer() {
    MutexLock lock(mutex_);
    while (end_.empty()) changed_.wait(mutex_);
    return text_ + calls_ + " | " + end_;
  }
  std::string question() {
    answer();
    MutexLock lock(mutex_);
    return question_;
  }

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::string text_ GUARDED_BY(mutex_), calls_ GUARDED_BY(mutex_), end_ GUARDED_BY(mutex_),
      question_ GUARDED_BY(mutex_);
};

/// The model calls `ring`, which is Hearth's and asks first, and `fetch`, which the client makes.
class AgentTurn : public ::testing::Test {
 protected:
  AgentTurn() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-turn-XXXXXX";
    folder_ = mkdtemp(name.data());
    std::vector<std::unique_ptr<tools::Tool>> bells;
    bells.push_back(std::make_unique<Ring>(rung_));
    registry_ = std::make_unique<tools::Registry>(tools::Registry::make(std::move(bells)).value());
    begin();
  }
  void TearDown() override {
    listening_.clear();
    sessions_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void begin() {
    store_ = store::Store::open(folder_ / "hearth.db").value();
    toolbox_ = std::make_unique<Toolbox>(
        Toolbox::Parts{.store = *store_, .time = time_, .registry = *registry_});
    const Parts parts{.store = *store_,
                      .time = time_,
                      .find_model = [this](std::string_view) { return &model_; },
                      .read_request =
                          [](std::string_view, const std::string&) {
                            chat::Conversation wanted;
                            wanted.tools.push_back({"fetch", "Fetches.", "{}"});
                            return chat::Request{.prompt = wanted};
                          },
                      .toolbox = toolbox_.get()};
    sessions_ = std::make_unique<Sessions>(parts, Sessions::Bounds{});
  }
  void restart() {
    listening_.clear();
    sessions_.reset();
    toolbox_.reset();
    store_.reset();
    begin();
    ASSERT_TRUE(sessions_->recover(soon()).ok());
  }
  std::shared_ptr<Client> say(std::vector<chat::Message> messages, const std::string& key) {
    Submission submission{.owner = "ann", .session = "s", .messages = std::move(messages)};
    submission.key = key;
    const auto session = sessions_->open(soon(), submission).value();
    id_ = session.id;
    auto client = std::make_shared<Client>();
    listening_.push_back(sessions_->submit(soon(), session, submission, client).value());
    return client;
  }
  std::shared_ptr<Client> decide(const std::string& id, bool allow) {
    auto client = std::make_shared<Client>();
    listening_.push_back(
        sessions_->decide(soon(), "ann", id, {{.allow = allow, .by = "ann"}}, client).value());
    return client;
  }
  std::vector<std::string> transcript() {
    std::vector<std::string> lines;
    const auto entries = store::Transcript(*store_, time_).read(soon(), id_).value();
    for (const auto& entry : entries)
      lines.push_back(chat::role_name(entry.message.role) + (": " + entry.message.content));
    return lines;
  }

  std::filesystem::path folder_;
  SystemTime time_;
  int rung_ = 0;
  model::FakeModel model_{
      {.rules = {
           {"both",
            {.pieces = {"Wait."}, .tool_calls = {{"c1", "ring", "{}"}, {"c2", "fetch", "{}"}}}},
           {"", {.pieces = {"Done."}}}}}};
  std::unique_ptr<tools::Registry> registry_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Toolbox> toolbox_;
  std::unique_ptr<Sessions> sessions_;
  std::vector<std::unique_ptr<model::Generation>> listening_;
  std::string id_;
};

TEST_F(AgentTurn, WaitsForAYesAndThenForTheClient) {
  const auto first = say({{.content = "both"}}, "k1");
  EXPECT_EQ(first->answer(), "Wait. | calls c2:fetch | asks ring | requires_action");
  EXPECT_EQ(rung_, 0);
  EXPECT_EQ(decide(first->question(), true)->answer(), " | calls c2:fetch | tool_calls");
  EXPECT_EQ(rung_, 1);
  EXPECT_THAT(transcript(), ElementsAre("user: both", "assistant: Wait.", "tool: rung 1"));
  EXPECT_EQ(say({{.content = "both"}}, "k1")->answer(), "Wait. | calls c2:fetch | tool_calls");
  const auto then = say({{.role = chat::Role::Tool, .content = "fetched", .tool_call_id = "c2"},
                         {.content = "well?"}},
                        "k2");
  EXPECT_EQ(then->answer(), "Done. | stop");
  EXPECT_EQ(model_.requests().size(), 2u);
}

TEST_F(AgentTurn, StillWaitsAfterARestart) {
  const std::string question = say({{.content = "both"}}, "k1")->question();
  restart();
  EXPECT_EQ(say({{.content = "both"}}, "k1")->answer(),
            " | calls c2:fetch | asks ring | requires_action");
  EXPECT_EQ(decide(question, false)->answer(), " | calls c2:fetch | tool_calls");
  EXPECT_EQ(rung_, 0);
  EXPECT_THAT(transcript(),
              ElementsAre("user: both", "assistant: Wait.", "tool: denied: the user said no"));
  EXPECT_EQ(model_.requests().size(), 1u);
}

}  // namespace
}  // namespace hearth::agent
