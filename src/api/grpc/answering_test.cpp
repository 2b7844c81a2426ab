#include "api/grpc/answering.h"

#include <gtest/gtest.h>

#include "api/testing/bench.h"
#include "model/fake_model.h"

namespace hearth::api {
namespace {

/// Remembers what an answer says.
class RecordedOutlet final : public Outlet {
 public:
  bool say(const chat::Delta& delta) override {
    MutexLock lock(mutex_);
    text_ += delta.content;
    return takes_more_;
  }
  void finish(const Outcome& outcome) override {
    MutexLock lock(mutex_);
    ++ends_;
    outcome_ = outcome;
  }
  void fail(const grpc::Status& status) override {
    MutexLock lock(mutex_);
    ++ends_;
    status_ = status;
  }
  void take_no_more() {
    MutexLock lock(mutex_);
    takes_more_ = false;
  }
  std::string text() const {
    MutexLock lock(mutex_);
    return text_;
  }
  int ends() const {
    MutexLock lock(mutex_);
    return ends_;
  }
  Outcome outcome() const {
    MutexLock lock(mutex_);
    return outcome_;
  }
  grpc::Status status() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
  Outcome outcome_ GUARDED_BY(mutex_);
  grpc::Status status_ GUARDED_BY(mutex_);
  int ends_ GUARDED_BY(mutex_) = 0;
  bool takes_more_ GUARDED_BY(mutex_) = true;
};

class AnsweringTest : public ::testing::Test {
 protected:
  std::shared_ptr<RecordedOutlet> ask(model::Model& model) {
    auto outlet = std::make_shared<RecordedOutlet>();
    last_ = std::make_shared<Answering>(outlet, time_.now(), time_, runs_);
    outlet->attach(last_);
    last_->start(model, {.prompt = chat::PlainText{"hi"}});
    return outlet;
  }
  /// Everything about all answers has been let go of.
  bool all_released() {
    std::weak_ptr<Answering> watched = std::exchange(last_, nullptr);
    return reaches([&] { return runs_.size() == 0 && watched.expired(); });
  }
  static bool reaches(const std::function<bool()>& holds) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    while (!holds() && Clock::now() < deadline) std::this_thread::yield();
    return holds();
  }
  static model::FakeModel scripted(model::FakeReply reply, std::size_t generations_max = 4) {
    return model::FakeModel(
        {.rules = {{"", std::move(reply)}}, .generations_max = generations_max});
  }

  testing::FixedTime time_;
  Runs runs_;
  std::shared_ptr<Answering> last_;
};

TEST_F(AnsweringTest, TellsTheWholeAnswer) {
  auto model = scripted({.pieces = {"Hel", "lo"}});
  const auto outlet = ask(model);
  ASSERT_TRUE(reaches([&] { return outlet->ends() == 1; }));
  EXPECT_EQ(outlet->text(), "Hello");
  EXPECT_EQ(outlet->outcome().usage.completion_tokens, 2u);
  EXPECT_EQ(outlet->outcome().model, "fake");
  EXPECT_EQ(outlet->outcome().level, "");
  EXPECT_TRUE(all_released());
  EXPECT_EQ(model.cancelled(), 0u);
}

TEST_F(AnsweringTest, AFailureIsAStatus) {
  auto model = scripted({.pieces = {"a"}, .error = Error{Code::TooLarge, "too long", "messages"}});
  const auto outlet = ask(model);
  ASSERT_TRUE(reaches([&] { return outlet->ends() == 1; }));
  EXPECT_EQ(outlet->status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(outlet->status().error_message(), "prompt: too long");
  EXPECT_TRUE(all_released());
}

TEST_F(AnsweringTest, AModelThatTakesNoMoreIsBusy) {
  auto model = scripted({.pieces = {"a"}, .manual = true}, 1);
  const auto first = ask(model);
  const auto second = ask(model);
  EXPECT_EQ(second->status().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(first->ends(), 0);
  model.step(9);
  EXPECT_TRUE(all_released());
  EXPECT_EQ(first->ends(), 1);
}

TEST_F(AnsweringTest, GivenUpItIsCancelledOnce) {
  auto model = scripted({.pieces = {"a", "b"}, .manual = true});
  const auto outlet = ask(model);
  model.step(2);
  last_->give_up();
  last_->give_up();
  EXPECT_TRUE(reaches([&] { return model.running() == 0; }));
  EXPECT_TRUE(all_released());
  EXPECT_EQ(outlet->ends(), 1);
  EXPECT_EQ(outlet->status().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(model.cancelled(), 1u);
}

TEST_F(AnsweringTest, ACallerThatTakesTooLittleIsGivenUp) {
  auto model = scripted({.pieces = {"a", "b", "c"}, .manual = true});
  const auto outlet = ask(model);
  outlet->take_no_more();
  model.step(2);
  EXPECT_TRUE(reaches([&] { return model.running() == 0; }));
  EXPECT_TRUE(all_released());
  EXPECT_EQ(outlet->text(), "a");
}

TEST_F(AnsweringTest, TheDaemonsEndIsTold) {
  auto model = scripted({.pieces = {"a"}, .manual = true});
  const auto outlet = ask(model);
  runs_.end_all({Code::Unavailable, "the daemon is stopping", {}});
  ASSERT_TRUE(reaches([&] { return outlet->ends() == 1; }));
  EXPECT_EQ(outlet->status().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(all_released());
}

TEST_F(AnsweringTest, ACrashOfTheEngineIsUnavailable) {
  auto model = scripted({.pieces = {"a"}, .manual = true});
  const auto outlet = ask(model);
  model.step(1);
  model.fail_all({Code::Unavailable, "the engine crashed", {}});
  ASSERT_TRUE(reaches([&] { return outlet->ends() == 1; }));
  EXPECT_EQ(outlet->status().error_message(), "the engine crashed");
  EXPECT_TRUE(all_released());
}

}  // namespace
}  // namespace hearth::api
