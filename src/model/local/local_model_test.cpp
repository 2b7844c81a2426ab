#include "model/local/local_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "model/local/engine_double.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

chat::Request saying(const std::string& text) { return {.prompt = chat::PlainText{text}}; }

class LocalModelTest : public testing::Test {
 protected:
  static LocalOptions options_for(const std::string& path) {
    LocalOptions options{.name = "double"};
    options.path = path;
    options.engine.arguments = local::engine_double_arguments();
    return options;
  }
  std::unique_ptr<LocalModel> open(LocalOptions options) {
    return LocalModel::open(std::move(options), time_, metrics_).value();
  }
  std::unique_ptr<LocalModel> open_ready(LocalOptions options = options_for("steady")) {
    auto model = open(std::move(options));
    EXPECT_TRUE(reaches(*model, State::Ready)) << model->state_text();
    return model;
  }
  /// The state changes on the engine's account and nothing tells of it; so this looks again and
  /// again.
  static bool reaches(const Model& model, State wanted) {
    return eventually([&] { return model.state() == wanted; });
  }
  std::uint64_t counted(const std::string& name, metrics::Labels more = {}) {
    more.insert(more.begin(), {"model", "double"});
    return metrics_.counter(name, "", more).value();
  }

  SystemTime time_;
  metrics::Registry metrics_;
};

TEST_F(LocalModelTest, AnswersAndCounts) {
  auto model = open_ready();
  EXPECT_EQ(model->state_text(), "");
  EXPECT_EQ(model->context_tokens(), 128u);
  EXPECT_EQ(model->facts().architecture, "none");
  const auto answer = generate(soon(), *model, saying("count 3")).value();
  EXPECT_EQ(answer.message.content, "xxx");
  EXPECT_EQ(answer.finished.usage.completion_tokens, 3u);
  EXPECT_EQ(counted("hearth_requests_total"), 1u);
  EXPECT_EQ(counted("hearth_prompt_tokens_total"), 10u);
  EXPECT_EQ(counted("hearth_prefill_tokens_total", {{"reused", "true"}}), 4u);
  EXPECT_EQ(counted("hearth_prefill_tokens_total", {{"reused", "false"}}), 6u);
  EXPECT_EQ(counted("hearth_completion_tokens_total"), 3u);
  EXPECT_EQ(counted("hearth_draft_tokens_total", {{"accepted", "true"}}), 4u);
  EXPECT_EQ(counted("hearth_draft_tokens_total", {{"accepted", "false"}}), 2u);
  EXPECT_EQ(counted("hearth_forced_tokens_total"), 2u);
  EXPECT_THAT(metrics_.text(),
              HasSubstr("hearth_time_to_first_token_seconds_count{model=\"double\"} 1"));
  EXPECT_THAT(metrics_.text(), HasSubstr("hearth_inter_token_seconds_count{model=\"double\"} 2"));
}

TEST_F(LocalModelTest, AnswersTheShortQuestions) {
  auto model = open_ready();
  EXPECT_THAT(model->tokenize(soon(), "ab", false, false).value(), ElementsAre(97, 98));
  EXPECT_EQ(model->detokenize(soon(), {97, 98}).value(), "ab");
  EXPECT_EQ(model->detokenize(soon(), {}).error().field, "tokens");
  const auto embedded = model->embed(soon(), {"a", "b"}).value();
  EXPECT_EQ(embedded.vectors.size(), 2u);
  EXPECT_EQ(embedded.prompt_tokens, 6u);
  EXPECT_EQ(model->stats(soon()).value().generating, 5u);
  EXPECT_EQ(model->embed(Call::within(Millis(5)), {"hang"}).error().code, Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(model->embed({Clock::time_point::max(), stop.get_token()}, {"hang"}).error().code,
            Code::Cancelled);
  EXPECT_EQ(model->tokenize(soon(), "\xff", false, false).error().field, "text");
  EXPECT_EQ(model->state(), State::Ready);
}

TEST_F(LocalModelTest, RefusesWhatTheEngineWouldTakeForAnAttack) {
  auto model = open_ready();
  auto request = saying("count 1");
  request.sampling.temperature = 3;
  const auto notes = std::make_shared<Notes>();
  EXPECT_EQ(model->start(request, notes).error().code, Code::InvalidInput);
  EXPECT_EQ(model->start(saying(std::string(process::kFrameBytesMax, 'x')), notes).error().code,
            Code::TooLarge);
  EXPECT_TRUE(generate(soon(), *model, saying("count 1")).ok());
}

TEST_F(LocalModelTest, RefusesImages) {
  auto model = open_ready();
  chat::Request request;
  chat::Message message{.role = chat::Role::User, .content = "what is this?"};
  request.prompt = chat::Conversation{.messages = {message}};
  std::get<chat::Conversation>(request.prompt).messages[0].images = {
      {.media_type = "image/png", .data = "aGk="}};
  const auto refused = generate(soon(), *model, std::move(request));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_EQ(refused.error().field, "messages");
  EXPECT_THAT(refused.error().message, HasSubstr("'double' cannot see images"));
  EXPECT_EQ(counted("hearth_requests_total"), 0u);
}

TEST_F(LocalModelTest, PassesOnWhatTheEngineFindsWrong) {
  auto model = open_ready();
  EXPECT_EQ(generate(soon(), *model, saying("fail")).error().field, "grammar");
  EXPECT_EQ(counted("hearth_requests_failed_total"), 1u);
}

TEST_F(LocalModelTest, IsBusyAtTheBoundAndNotBefore) {
  auto options = options_for("steady");
  options.load.slots = 2;
  options.queue_max = 3;
  auto model = open_ready(options);
  const auto notes = std::make_shared<Notes>();
  std::vector<std::unique_ptr<Generation>> running;
  for (int i = 0; i < 5; ++i) running.push_back(model->start(saying("hang"), notes).value());
  const auto refused = model->start(saying("count 1"), notes);
  EXPECT_EQ(refused.error().code, Code::Busy);
  EXPECT_EQ(refused.error().message, "3 requests wait already for model 'double'");
  running.pop_back();
  EXPECT_TRUE(model->start(saying("count 1"), notes).ok());
}

TEST_F(LocalModelTest, CancelTellsTheSinkOnceAndDestroyingIsSilent) {
  auto model = open_ready();
  const auto told = std::make_shared<Notes>(), silent = std::make_shared<Notes>();
  auto first = model->start(saying("hang"), told).value();
  auto second = model->start(saying("hang"), silent).value();
  told->wait_for(1);
  silent->wait_for(1);
  first->cancel();
  EXPECT_EQ(told->wait_for_failure().code, Code::Cancelled);
  first->cancel();
  second.reset();
  // What the engine says about both is ignored: after this answer, all of it has arrived.
  EXPECT_TRUE(generate(soon(), *model, saying("count 1")).ok());
  EXPECT_EQ(told->wait_for(2).size(), 2u);
  EXPECT_EQ(silent->wait_for(1).size(), 1u);
}

TEST_F(LocalModelTest, AGenerationMayBeCancelledOrDestroyedInsideItsOwnEvent) {
  auto model = open_ready();
  for (const bool destroy : {false, true}) {
    SCOPED_TRACE(destroy);
    const auto notes = std::make_shared<Notes>();
    std::promise<void> assigned;
    const auto ready = assigned.get_future().share();
    std::unique_ptr<Generation> generation;
    notes->on_each = [&](const chat::Event& event) {
      if (!std::holds_alternative<chat::Started>(event)) return;
      ready.wait();
      if (destroy) generation.reset();
      if (!destroy) generation->cancel();
    };
    generation = model->start(saying("count 5"), notes).value();
    assigned.set_value();
    const auto events = notes->wait_for(destroy ? 1 : 2);
    EXPECT_TRUE(generate(soon(), *model, saying("count 1")).ok());
    EXPECT_EQ(notes->wait_for(1).size(), destroy ? 1u : 2u);
  }
}

TEST_F(LocalModelTest, ASinkThatThrowsEndsOnlyItsOwnGeneration) {
  auto model = open_ready();
  const auto notes = std::make_shared<Notes>();
  notes->on_each = [](const chat::Event& event) {
    if (std::holds_alternative<chat::Delta>(event)) static_cast<void>(std::string().at(1));
  };
  const auto generation = model->start(saying("count 2"), notes).value();
  EXPECT_EQ(notes->wait_for_failure().code, Code::Internal);
  EXPECT_TRUE(generate(soon(), *model, saying("count 1")).ok());
}

TEST_F(LocalModelTest, ACrashFailsWhatRunsAndTheEngineIsStartedAgainAtOnce) {
  auto model = open_ready();
  const auto bystander = std::make_shared<Notes>(), victim = std::make_shared<Notes>();
  const auto first = model->start(saying("hang"), bystander).value();
  bystander->wait_for(1);
  const auto second = model->start(saying("hang"), victim).value();
  victim->wait_for(1);
  EXPECT_EQ(model->embed(soon(), {"crash"}).error().code, Code::Unavailable);
  for (const auto& notes : {bystander, victim}) {
    const auto error = notes->wait_for_failure();
    EXPECT_EQ(error.code, Code::Unavailable);
    EXPECT_EQ(error.message,
              "the engine process of model 'double' ended: killed by signal 9 (Killed); "
              "it is being restarted");
  }
  EXPECT_TRUE(reaches(*model, State::Ready));
  EXPECT_TRUE(generate(soon(), *model, saying("count 1")).ok());
  EXPECT_EQ(counted("hearth_engine_restarts_total"), 1u);

  // The second time it waits a second.
  EXPECT_FALSE(generate(soon(), *model, saying("crash")).ok());
  EXPECT_EQ(model->state(), State::Restarting);
  EXPECT_THAT(model->state_text(), HasSubstr("killed by signal 9 (Killed); restarting in 1 s"));
  const auto refused = model->start(saying("count 1"), victim);
  EXPECT_EQ(refused.error().code, Code::Unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("restarting in 1 s"));
}

TEST_F(LocalModelTest, RefreshesTheMetricsThatOnlyTheEngineKnows) {
  auto model = open_ready();
  for (int i = 0; i < 2; ++i) model->refresh_metrics(soon());
  const std::string text = metrics_.text();
  for (const char* line :
       {"hearth_engine_threads{model=\"double\"} 1\n", "hearth_engine_cores{model=\"double\"} 2\n",
        "hearth_engine_sharers{model=\"double\"} 1\n",
        "hearth_engine_shares_cores{model=\"double\"} 1\n",
        "hearth_engine_neighbour_cores{model=\"double\"} 0.5\n",
        "hearth_engine_denied_seconds{model=\"double\"} 1.5\n",
        "hearth_prefix_lookups_total{model=\"double\",result=\"hit\"} 2\n",
        "hearth_prefix_lookups_total{model=\"double\",result=\"miss\"} 0\n",
        "hearth_prefix_evictions_total{model=\"double\"} 4\n",
        "hearth_prefix_sequences{model=\"double\"} 3\n", "hearth_prefix_pins{model=\"double\"} 1\n",
        "hearth_kv_cells{model=\"double\"} 2048\n", "hearth_kv_cells_used{model=\"double\"} 100\n"})
    EXPECT_THAT(text, HasSubstr(line));
  const auto limit = [this](const char* by) {
    return metrics_.gauge("hearth_engine_threads_limit", "", {{"model", "double"}, {"by", by}})
        .value();
  };
  EXPECT_EQ(limit("neighbours"), 1);
  EXPECT_EQ(limit("none"), 0);
  const auto changes = [this](const char* direction) {
    return counted("hearth_engine_thread_changes_total", {{"direction", direction}});
  };
  EXPECT_EQ(changes("down"), 2u);
  // A new engine counts from zero; the metric goes on.
  EXPECT_FALSE(generate(soon(), *model, saying("crash")).ok());
  EXPECT_TRUE(reaches(*model, State::Ready));
  model->refresh_metrics(soon());
  EXPECT_EQ(changes("down"), 3u);
  EXPECT_EQ(counted("hearth_prefix_evictions_total"), 6u);
}

TEST_F(LocalModelTest, AnEngineThatBreaksTheProtocolIsKilledAndReplaced) {
  for (const std::string text : {"garbage", "version"}) {
    SCOPED_TRACE(text);
    auto model = open_ready();
    const auto got = generate(soon(), *model, saying(text));
    EXPECT_EQ(got.error().code, Code::Unavailable);
    EXPECT_THAT(got.error().message, HasSubstr("protocol"));
    EXPECT_TRUE(reaches(*model, State::Ready));
  }
}

TEST_F(LocalModelTest, NoTokenInTimeIsATimeoutAndTheEngineLives) {
  auto options = options_for("steady");
  options.token_timeout = Millis(50);
  for (const std::string text : {"hang", "wait"}) {
    SCOPED_TRACE(text);
    auto model = open_ready(options);
    const auto got = generate(soon(), *model, saying(text));
    EXPECT_EQ(got.error().code, Code::Timeout);
    EXPECT_EQ(got.error().message, "no token for 50 ms");
    EXPECT_TRUE(model->tokenize(soon(), "a", false, false).ok());
    EXPECT_EQ(model->state(), State::Ready);
  }
}

TEST_F(LocalModelTest, AWholeRequestHasATimeLimitTooWhereverItWaits) {
  auto options = options_for("steady");
  options.request_timeout = Millis(50);
  auto model = open_ready(options);
  EXPECT_THAT(generate(soon(), *model, saying("hang")).error().message,
              HasSubstr("not complete within 50 ms"));
  EXPECT_THAT(generate(soon(), *model, saying("wait")).error().message,
              HasSubstr("no free slot within 50 ms"));
}

TEST_F(LocalModelTest, AnEngineThatIgnoresCancelIsReplaced) {
  auto options = options_for("steady");
  options.token_timeout = Millis(50);
  options.cancel_grace = Millis(50);
  auto model = open_ready(options);
  EXPECT_EQ(generate(soon(), *model, saying("wedge")).error().code, Code::Timeout);
  EXPECT_TRUE(eventually([&] { return counted("hearth_engine_restarts_total") == 1; }));
  EXPECT_TRUE(reaches(*model, State::Ready));
}

TEST_F(LocalModelTest, AnEngineThatDoesNotAnswerAPingIsReplaced) {
  auto options = options_for("steady");
  options.ping_interval = Millis(20);
  options.ping_grace = Millis(500);
  auto model = open_ready(options);
  const auto stopped = generate(soon(), *model, saying("stop"));
  EXPECT_THAT(stopped.error().message, HasSubstr("did not answer a ping and was killed"));
  EXPECT_TRUE(reaches(*model, State::Ready));
  // One that answers stays, however often it is asked.
  EXPECT_TRUE(eventually([&] { return model->stats(soon()).value().prefixes.hits > 3; }));
  EXPECT_EQ(counted("hearth_engine_restarts_total"), 1u);
}

TEST_F(LocalModelTest, AModelThatCannotBeLoadedStaysFailed) {
  auto model = open(options_for("refused"));
  ASSERT_TRUE(reaches(*model, State::Failed));
  EXPECT_EQ(model->state_text(), "the file is cut short");
  const auto refused = model->start(saying("count 1"), std::make_shared<Notes>());
  EXPECT_EQ(refused.error().code, Code::Unavailable);
  EXPECT_EQ(refused.error().message, "model 'double' is not ready: the file is cut short");
  EXPECT_EQ(model->tokenize(soon(), "a", false, false).error().code, Code::Unavailable);
  EXPECT_EQ(counted("hearth_engine_restarts_total"), 0u);
}

TEST_F(LocalModelTest, AnEngineThatEndsWhileLoadingIsTriedAgain) {
  auto model = open(options_for("exits"));
  ASSERT_TRUE(eventually([&] { return counted("hearth_engine_restarts_total") == 1; }));
  ASSERT_TRUE(reaches(*model, State::Restarting));
  EXPECT_THAT(model->state_text(), HasSubstr("ended: exit code 3"));
}

TEST_F(LocalModelTest, AProgramThatCannotBeStartedIsTriedAgain) {
  auto options = options_for("steady");
  options.engine.executable = "/nonexistent/engine";
  auto model = open(options);
  ASSERT_TRUE(reaches(*model, State::Restarting));
  EXPECT_THAT(model->state_text(), HasSubstr("/nonexistent/engine"));
}

TEST_F(LocalModelTest, TellsHowFarLoadingIsAndEndsWhileLoading) {
  auto model = open(options_for("stuck"));
  EXPECT_TRUE(eventually([&] { return model->state_text() == "loading, 42 %"; }));
  EXPECT_EQ(model->state(), State::Loading);
  EXPECT_EQ(model->context_tokens(), 0u);
}

TEST_F(LocalModelTest, LoadingWithoutProgressIsGivenUp) {
  auto options = options_for("stuck");
  options.load_timeout = Millis(50);
  auto model = open(options);
  ASSERT_TRUE(reaches(*model, State::Restarting));
  EXPECT_TRUE(eventually([&] { return counted("hearth_engine_restarts_total") == 1; }));
}

TEST_F(LocalModelTest, ClosingItFailsWhatRunsAndLeavesNothing) {
  const auto notes = std::make_shared<Notes>();
  std::unique_ptr<Generation> generation;
  {
    auto model = open_ready();
    generation = model->start(saying("hang"), notes).value();
    notes->wait_for(1);
  }
  EXPECT_EQ(notes->wait_for_failure().message, "model 'double' was closed");
  generation->cancel();  // may outlive its model
  EXPECT_EQ(notes->wait_for(2).size(), 2u);
}

TEST_F(LocalModelTest, ManyAtOnceFromManyThreads) {
  auto options = options_for("steady");
  options.load.slots = 16;
  auto model = open_ready(options);
  std::vector<std::future<bool>> results;
  for (int thread = 0; thread < 4; ++thread) {
    results.push_back(std::async(std::launch::async, [&model, thread] {
      bool good = true;
      for (int i = 0; i < 25; ++i) {
        if ((i + thread) % 3 == 0) {
          good = good && model->start(saying("count 200"), std::make_shared<Notes>()).ok();
        } else {
          const auto answer = generate(soon(), *model, saying("count 20"));
          good = good && answer.ok() && answer.value().message.content.size() == 20;
        }
      }
      return good;
    }));
  }
  std::vector<bool> good;
  for (auto& result : results) good.push_back(result.get());
  EXPECT_THAT(good, Each(true));
}

TEST(LocalOptions, FollowTheConfiguration) {
  config::Config config;
  config.data_dir = "/data";
  const auto standard = local_options(config).value();
  EXPECT_EQ(standard.name, "ember");
  EXPECT_EQ(standard.facts_file, "/data/cache/model-facts.json");
  config.model.path = "/models/Tiny-Q8_0.gguf";
  config.model.kv_type = "q8_0";
  config.model.slots = 2;
  const auto own = local_options(config).value();
  EXPECT_EQ(own.name, "Tiny-Q8_0");
  EXPECT_EQ(own.load.slots, 2u);
  EXPECT_EQ(own.load.kv_type, engine::KvType::Q8_0);
  config.model.kv_type = "q3";
  EXPECT_EQ(local_options(config).error().field, "model.kv_type");
}

}  // namespace
}  // namespace hearth::model
