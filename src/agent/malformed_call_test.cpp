#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/turn.h"
#include "model/fake_model.h"
#include "store/sessions.h"

namespace hearth::agent {
namespace {

using ::testing::HasSubstr;

/// A tool that wants a number.
class Count final : public tools::Tool {
 public:
  std::string name() const override { return "count"; }
  std::string description() const override { return "Counts."; }
  std::string parameters() const override {
    return R"({"type":"object","properties":{"to":{"type":"integer","maximum":9}},)"
           R"("required":["to"]})";
  }
  policy::Effect effect() const override { return policy::Effect::Reads; }
  Result<tools::Target> target(const Call&, const Json&, const tools::Asker&) const override {
    return tools::Target{"numbers", "", policy::Place::Workspace};
  }
  Result<tools::Outcome> run(const Call&, const tools::Job&) const override {
    return tools::Outcome{"counted"};
  }
};

/// A model that calls the tool with these arguments, one after another, then says "done".
class Caller final : public model::Model {
 public:
  explicit Caller(const std::vector<std::string>& arguments) {
    for (const std::string& one : arguments) {
      model::FakeReply reply;
      reply.tool_calls.push_back({"c" + std::to_string(steps_.size()), "count", one});
      add(std::move(reply));
    }
    add({.pieces = {"done"}});
  }
  const std::string& name() const override { return steps_[0]->name(); }
  model::State state() const override { return steps_[0]->state(); }
  std::string state_text() const override { return steps_[0]->state_text(); }
  engine::ModelFacts facts() const override { return steps_[0]->facts(); }
  std::uint32_t context_tokens() const override { return steps_[0]->context_tokens(); }
  Result<std::unique_ptr<model::Generation>> start(
      chat::Request request, std::shared_ptr<model::EventSink> sink) override {
    const std::size_t step = std::min(asked++, steps_.size() - 1);
    last = std::get<chat::Conversation>(request.prompt).messages.back().content;
    return steps_[step]->start(std::move(request), std::move(sink));
  }
  Result<model::Embeddings> embed(const Call& call,
                                  std::vector<model::EmbedInput> inputs) override {
    return steps_[0]->embed(call, std::move(inputs));
  }
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override {
    return steps_[0]->tokenize(call, std::move(text), add_special, parse_special);
  }
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override {
    return steps_[0]->detokenize(call, std::move(tokens));
  }

  std::size_t asked = 0;
  std::string last{};  // what the last request's last message said

 private:
  void add(model::FakeReply reply) {
    model::FakeModel::Options options;
    options.rules.push_back({"", std::move(reply)});
    steps_.push_back(std::make_unique<model::FakeModel>(std::move(options)));
  }
  std::vector<std::unique_ptr<model::FakeModel>> steps_{};
};

class AgentMalformedCalls : public ::testing::Test {
 protected:
  AgentMalformedCalls() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-turn-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
    std::vector<std::unique_ptr<tools::Tool>> all;
    all.push_back(std::make_unique<Count>());
    registry_ = std::make_unique<tools::Registry>(tools::Registry::make(std::move(all)).value());
    toolbox_ = std::make_unique<Toolbox>(
        Toolbox::Parts{.store = *store_, .time = time_, .registry = *registry_});
  }
  ~AgentMalformedCalls() override {
    toolbox_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// What became of the message in the store.
  store::Inbound run(Caller& caller) {
    const Call call = Call::within(Millis(60'000));
    const std::string session = store::Sessions(*store_, time_).create(call, "ann").value().id;
    store::Inbox inbox(*store_, time_);
    const auto accepted = inbox.accept(
        call, {.session_id = session, .owner = "ann", .message = {.content = "count"}});
    EXPECT_TRUE(accepted.ok());
    const Parts parts{.store = *store_,
                      .time = time_,
                      .find_model = [&](std::string_view) { return &caller; },
                      .read_request =
                          [](std::string_view, const std::string&) {
                            return chat::Request{.prompt = chat::Conversation{}};
                          },
                      .toolbox = toolbox_.get()};
    const store::Inbound message = inbox.begin(call, session).value().value();
    const auto audience = std::make_shared<Audience>();
    Turn turn(parts, message, *audience, [](Event) {});
    EXPECT_EQ(turn.run(call, [] { return Turn::Stop::Cancelled; }), Turn::Outcome::Ended);
    return inbox.find(call, "ann", message.id).value();
  }

  std::filesystem::path folder_;
  SystemTime time_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<tools::Registry> registry_;
  std::unique_ptr<Toolbox> toolbox_;
};

TEST_F(AgentMalformedCalls, TellsTheModelOnceWhatIsWrongWithItsCall) {
  Caller caller({R"({"to":10})", R"({"to":9})"});
  EXPECT_EQ(run(caller).state, store::Inbound::State::Done);
  EXPECT_EQ(caller.asked, 3u);

  Caller learns_nothing({R"({"to":10})"});
  EXPECT_EQ(run(learns_nothing).state, store::Inbound::State::Done);
  EXPECT_EQ(learns_nothing.last, "error: arguments.to: a whole number to 9 is required");
}

TEST_F(AgentMalformedCalls, EndsWithAVisibleErrorAtTheSecondWrongCall) {
  Caller caller({R"({"to":10})", R"({"too":9})", R"({"to":9})"});
  const store::Inbound ended = run(caller);
  EXPECT_EQ(ended.state, store::Inbound::State::Failed);
  EXPECT_EQ(ended.reason,
            "the model called a tool wrongly again, count: error: arguments.to: required");
  EXPECT_EQ(caller.asked, 2u);
}

}  // namespace
}  // namespace hearth::agent
