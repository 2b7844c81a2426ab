#include "api/grpc/model_watch.h"

#include <gtest/gtest.h>

#include <future>

#include "api/testing/bench.h"
#include "model/fake_model.h"

namespace hearth::api {
namespace {

class Asking final : public Waiter {
 public:
  void settle(const Result<void>& how) override {
    if (!is_settled_.exchange(true)) told_.set_value(how.ok() ? "" : code_name(how.error().code));
  }
  bool is_settled() const override { return is_settled_; }
  /// "" for good, a code, or "nothing".
  std::string how() {
    const auto came = answer_.wait_for(std::chrono::seconds(10));
    return came == std::future_status::ready ? answer_.get() : "nothing";
  }

 private:
  std::atomic<bool> is_settled_ = false;
  std::promise<std::string> told_;
  std::future<std::string> answer_ = told_.get_future();
};

class ModelWatchTest : public ::testing::Test {
 protected:
  using Aim = ModelWatch::Aim;

  model::FakeModel model_{{.name = "fake"}};
  config::Config config_;
  metrics::Registry registry_;
  testing::FixedTime time_;
  const Parts parts_{.models = {{&model_}},
                     .config = config_,
                     .device_id = "",
                     .registry = registry_,
                     .time = time_};
  BoundedQueue<bool> told_{8};
  ModelWatch watch_{parts_};

  void begin() {
    watch_.begin([this](bool answers) { EXPECT_TRUE(told_.try_push(answers)); });
  }
  bool next_told() { return told_.pop(Call::within(std::chrono::seconds(10))).value().value(); }
};

TEST_F(ModelWatchTest, TellsWhetherItAnswersAtFirstAndWhenThatChanges) {
  model_.set_state(model::State::Loading, "loading");
  begin();
  EXPECT_FALSE(next_told());
  model_.set_state(model::State::Ready, "");
  EXPECT_TRUE(next_told());
  model_.set_state(model::State::Restarting, "crashed");
  EXPECT_FALSE(next_told());
}

TEST_F(ModelWatchTest, WaitsUntilAModelIsAsItShould) {
  struct Case {
    model::State state;
    Aim aim;
    const char* want;
  };
  const Case kCases[] = {
      {model::State::Ready, Aim::Loaded, ""},
      {model::State::Failed, Aim::Loaded, "Unavailable"},
      {model::State::Unloaded, Aim::Loaded, "Unavailable"},
      {model::State::Unloaded, Aim::Unloaded, ""},
      {model::State::Failed, Aim::Unloaded, ""},
  };
  begin();
  for (const Case& c : kCases) {
    SCOPED_TRACE(static_cast<int>(c.state));
    model_.set_state(c.aim == Aim::Loaded ? model::State::Loading : model::State::Ready, "");
    const auto asking = std::make_shared<Asking>();
    watch_.wait_for(model_, c.aim, asking);
    EXPECT_FALSE(asking->is_settled());
    model_.set_state(c.state, "");
    EXPECT_EQ(asking->how(), c.want);
  }
}

TEST_F(ModelWatchTest, WhoStillWaitsAtTheEndIsTold) {
  model_.set_state(model::State::Loading, "");
  begin();
  const auto before = std::make_shared<Asking>(), behind = std::make_shared<Asking>();
  watch_.wait_for(model_, Aim::Loaded, before);
  watch_.end();
  watch_.wait_for(model_, Aim::Loaded, behind);
  EXPECT_EQ(before->how(), "Unavailable");
  EXPECT_EQ(behind->how(), "Unavailable");
}

TEST_F(ModelWatchTest, KnowsSinceWhenAModelIsLoaded) {
  EXPECT_EQ(watch_.loaded_since_ms(model_), 1'700'000'000'000);
  model_.set_state(model::State::Unloaded, "");
  EXPECT_EQ(watch_.loaded_since_ms(model_), 0);
}

}  // namespace
}  // namespace hearth::api
