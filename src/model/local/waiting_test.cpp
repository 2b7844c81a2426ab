// Requests that come before an engine is ready: they wait for it, within every bound.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "base/random.h"
#include "model/local/engine_double.h"
#include "model/local/local_model.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

using testing::HasSubstr;

chat::Request saying(const std::string& text, std::uint64_t account = 0) {
  chat::Request request{.prompt = chat::PlainText{text}};
  request.account = account;
  return request;
}

/// A model whose engines load only when the test says how: open_gate("r") lets one be ready, "f"
/// refuses the file, "x" ends the process.
class WaitingTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + random_id("gate_");
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    gate_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(gate_, 0);
  }
  void TearDown() override {
    ::close(gate_);
    std::filesystem::remove(path_);
  }
  void open_gate(const std::string& how) const {
    ASSERT_EQ(::write(gate_, how.data(), how.size()), static_cast<ssize_t>(how.size()));
  }
  LocalOptions options() const {
    LocalOptions options{.name = "double"};
    options.path = "gate:" + path_;
    options.engine.arguments = local::engine_double_arguments();
    return options;
  }
  std::unique_ptr<LocalModel> open(LocalOptions options) {
    return LocalModel::open(std::move(options), time_, metrics_).value();
  }

  SystemTime time_;
  metrics::Registry metrics_;
  std::string path_;
  int gate_ = -1;
};

TEST_F(WaitingTest, WhatCameWhileLoadingIsAnsweredInOrder) {
  auto model = open(options());
  const auto first = std::make_shared<Notes>(), second = std::make_shared<Notes>();
  Clock::time_point first_end, second_end;
  first->on_each = [&](const auto&) { first_end = Clock::now(); };
  second->on_each = [&](const auto&) { second_end = Clock::now(); };
  const auto one = model->start(saying("count 2"), first).value();
  const auto two = model->start(saying("count 2"), second).value();
  auto tokens =
      std::async(std::launch::async, [&] { return model->tokenize(soon(), "ab", false, false); });
  EXPECT_EQ(model->state(), State::Loading);
  open_gate("r");
  EXPECT_EQ(first->wait_for(4).size(), 4u);
  EXPECT_EQ(second->wait_for(4).size(), 4u);
  EXPECT_LT(first_end, second_end);
  EXPECT_EQ(tokens.get().value().size(), 2u);
  EXPECT_EQ(model->state(), State::Ready);
}

TEST_F(WaitingTest, TheQueueIsAsLongAsEver) {
  auto few = options();
  few.queue_max = 3;
  few.load.slots = 2;
  auto model = open(few);
  const auto notes = std::make_shared<Notes>();
  std::vector<std::unique_ptr<Generation>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(model->start(saying("hang"), notes).value());
  const auto refused = model->start(saying("hang"), notes);
  EXPECT_EQ(refused.error().code, Code::Busy);
  EXPECT_EQ(refused.error().message, "3 requests wait already for model 'double'");
  waiting.pop_back();  // one that leaves makes room
  waiting.push_back(model->start(saying("hang"), notes).value());
  open_gate("r");
  EXPECT_EQ(notes->wait_for(3).size(), 3u);  // each has started
  for (int i = 0; i < 2; ++i) waiting.push_back(model->start(saying("hang"), notes).value());
  EXPECT_EQ(model->start(saying("hang"), notes).error().code, Code::Busy);
}

TEST_F(WaitingTest, WhatLeftMeanwhileIsNeverSent) {
  auto model = open(options());
  const auto told = std::make_shared<Notes>(), silent = std::make_shared<Notes>();
  const auto cancelled = model->start(saying("crash"), told).value();
  auto destroyed = model->start(saying("crash"), silent).value();
  cancelled->cancel();
  destroyed.reset();
  EXPECT_EQ(told->wait_for_failure().code, Code::Cancelled);
  const auto notes = std::make_shared<Notes>();
  const auto stays = model->start(saying("count 1"), notes).value();
  open_gate("r");
  EXPECT_EQ(notes->wait_for(3).size(), 3u);
  EXPECT_EQ(model->state(), State::Ready);
  EXPECT_EQ(silent->wait_for(0).size(), 0u);
}

TEST_F(WaitingTest, AModelThatFailsTellsAllWhoWait) {
  auto model = open(options());
  const auto notes = std::make_shared<Notes>();
  const auto waiting = model->start(saying("count 1"), notes).value();
  auto tokens =
      std::async(std::launch::async, [&] { return model->tokenize(soon(), "a", false, false); });
  open_gate("f");
  const auto failed = notes->wait_for_failure();
  EXPECT_EQ(failed.code, Code::Unavailable);
  EXPECT_EQ(failed.message, "the file is cut short");
  EXPECT_EQ(tokens.get().error().code, Code::Unavailable);
  EXPECT_EQ(model->start(saying("count 1"), notes).error().message,
            "model 'double' is not ready: the file is cut short");
}

TEST_F(WaitingTest, WaitsForTheFirstRestartButNotForTheSecond) {
  auto model = open(options());
  const auto notes = std::make_shared<Notes>(), unlucky = std::make_shared<Notes>();
  const auto patient = model->start(saying("count 1"), notes).value();
  open_gate("xr");  // the first engine ends while loading, the next is ready
  EXPECT_EQ(notes->wait_for(3).size(), 3u);
  const auto crash = model->start(saying("crash"), unlucky).value();
  EXPECT_THAT(unlucky->wait_for_failure().message, HasSubstr("it is being restarted"));
  const auto refused = model->start(saying("count 1"), notes);
  EXPECT_EQ(refused.error().code, Code::Unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("restarting in 1 s"));
}

TEST_F(WaitingTest, TwoEnginesThatEndWhileLoadingAreEnough) {
  auto model = open(options());
  const auto notes = std::make_shared<Notes>();
  const auto waiting = model->start(saying("count 1"), notes).value();
  open_gate("xx");
  EXPECT_THAT(notes->wait_for_failure().message, HasSubstr("ended: exit code 3"));
}

TEST_F(WaitingTest, HasItsTimeLimitToo) {
  auto impatient = options();
  impatient.request_timeout = Millis(50);
  auto model = open(impatient);
  EXPECT_EQ(generate(soon(), *model, saying("count 1")).error().message,
            "the model was not loaded within 50 ms");
  EXPECT_EQ(model->tokenize(Call::within(Millis(5)), "a", false, false).error().code,
            Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      model->tokenize({Clock::time_point::max(), stop.get_token()}, "a", false, false).error().code,
      Code::Cancelled);
}

TEST_F(WaitingTest, ClosingTheModelFailsWhatWaits) {
  const auto notes = std::make_shared<Notes>();
  std::unique_ptr<Generation> waiting;
  {
    auto model = open(options());
    waiting = model->start(saying("count 1"), notes).value();
  }
  EXPECT_EQ(notes->wait_for_failure().message, "model 'double' was closed");
}

TEST_F(WaitingTest, OneAccountCannotTakeTheLastPlaces) {
  auto shared = options();
  shared.queue_max = 4;
  shared.queue_reserved = 1;
  shared.load.slots = 2;
  auto model = open(shared);
  const auto notes = std::make_shared<Notes>();
  std::vector<std::unique_ptr<Generation>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(model->start(saying("hang", 1), notes).value());
  const auto refused = model->start(saying("hang", 1), notes);
  EXPECT_EQ(refused.error().code, Code::Busy);
  EXPECT_EQ(refused.error().message,
            "this token has 3 requests at model 'double' already; the places that are left "
            "are kept for other tokens");
  waiting.push_back(model->start(saying("hang", 2), notes).value());
  EXPECT_THAT(model->start(saying("hang", 2), notes).error().message, HasSubstr("4 requests wait"));
  open_gate("r");
  EXPECT_EQ(notes->wait_for(4).size(), 4u);
  // Slots count as places: the first account may have 5 of the 6 now, but 4 are taken.
  waiting.push_back(model->start(saying("hang", 1), notes).value());
  waiting.push_back(model->start(saying("hang", 1), notes).value());
  EXPECT_EQ(model->start(saying("hang", 2), notes).error().code, Code::Busy);
}

}  // namespace
}  // namespace hearth::model
