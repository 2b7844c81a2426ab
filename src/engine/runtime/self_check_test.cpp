#include "engine/runtime/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/llama_log.h"
#include "engine/runtime/promise.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

LoadedModel load(KvType kv) {
  forward_llama_log();
  auto loaded = load_model({.path = "",
                            .options = {.context_tokens = 512,
                                        .slots = 2,
                                        .threads = 1,
                                        .prefill_chunk_tokens = 256,
                                        .kv_type = kv}},
                           Machine{}, [](float) { return true; });
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  return std::move(loaded).value();
}

std::vector<SelfCheck::Outcome> outcomes(const LoadedModel& model, SelfCheck::Extent extent,
                                         std::uint32_t tokens) {
  auto test = SelfCheck::make(model, extent, tokens);
  EXPECT_TRUE(test.ok());
  for (;;) {
    const auto more = test.value()->step();
    EXPECT_TRUE(more.ok()) << more.error().message;
    if (!more.ok() || !more.value()) return test.value()->outcomes();
  }
}

TEST(SelfCheck, EmberGivesTheSameBitsHoweverItIsComputed) {
  const LoadedModel model = load(KvType::Auto);
  const auto all = outcomes(model, SelfCheck::Extent::Whole, 200);
  EXPECT_GE(all.size(), 17u);
  for (const auto& outcome : all) EXPECT_TRUE(outcome.same) << outcome.name;
  const auto quick = outcomes(model, SelfCheck::Extent::Quick, SelfCheck::kQuickTokens);
  EXPECT_GE(quick.size(), 6u);
  EXPECT_LT(quick.size(), all.size());
  for (const auto& outcome : quick) EXPECT_TRUE(outcome.same) << outcome.name;
}

TEST(SelfCheck, FindsThatAnF16CacheDoesNot) {
  const LoadedModel model = load(KvType::F16);
  std::size_t different = 0;
  for (const auto& outcome : outcomes(model, SelfCheck::Extent::Whole, 200)) {
    different += outcome.same ? 0 : 1;
    EXPECT_TRUE(outcome.same || outcome.name != "the same again");
  }
  EXPECT_GE(different, 3u);
}

TEST(SelfCheck, NamesTheFirstDifference) {
  const LoadedModel model = load(KvType::F16);
  auto test = SelfCheck::make(model, SelfCheck::Extent::Quick, 128);
  ASSERT_TRUE(test.ok());
  EXPECT_EQ(test.value()->first_difference(), "");
  while (test.value()->step().value()) {
  }
  EXPECT_NE(test.value()->first_difference(), "");
}

TEST(SelfCheck, RefusesCountsOutsideItsBounds) {
  const LoadedModel model = load(KvType::Auto);
  for (const std::uint32_t tokens : {SelfCheck::kTokensMin - 1, SelfCheck::kTokensMax + 1}) {
    EXPECT_EQ(SelfCheck::make(model, SelfCheck::Extent::Quick, tokens).error().field, "tokens");
  }
  EXPECT_TRUE(SelfCheck::make(model, SelfCheck::Extent::Quick, SelfCheck::kTokensMin).ok());
}

std::shared_ptr<GenerateJob> job(std::uint64_t id) {
  auto made = std::make_shared<GenerateJob>();
  made->id = id;
  return made;
}

TEST(Promise, IsKeptAfterTheSelfCheckAndHoldsRequestsUntilThen) {
  const LoadedModel model = load(KvType::Auto);
  Promise promise(model);
  promise.step();  // nobody asked
  EXPECT_FALSE(promise.is_busy());
  promise.hold(job(1));
  promise.step();
  EXPECT_TRUE(promise.take_decided().empty());
  promise.hold(job(2));
  std::deque<std::shared_ptr<GenerateJob>> decided;
  for (int i = 0; i < 40 && decided.empty(); ++i) {
    promise.step();
    decided = promise.take_decided();
  }
  ASSERT_EQ(decided.size(), 2u);
  EXPECT_EQ(decided[0]->id, 1u);
  EXPECT_TRUE(promise.verdict().ok());
  EXPECT_FALSE(promise.is_busy());
  promise.hold(job(3));
  EXPECT_EQ(promise.take_decided().size(), 1u);  // decided once and for all
}

TEST(Promise, IsRefusedWithTheReasonAndTheRemedy) {
  const LoadedModel model = load(KvType::F16);
  EXPECT_EQ(may_promise(model).error().field, "deterministic");
  Promise promise(model);
  const auto verdict = promise.verdict();
  ASSERT_FALSE(verdict.ok());
  EXPECT_THAT(verdict.error().message, HasSubstr("KV cache is f16"));
}

TEST(Promise, TheSelfCheckHasTheLastWord) {
  LoadedModel model = load(KvType::F16);
  model.batch_invariant = true;  // as if it had been thought exact
  Promise promise(model);
  promise.hold(job(1));
  const auto verdict = promise.verdict();
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().field, "deterministic");
  EXPECT_THAT(verdict.error().message, HasSubstr("self-test of this model failed at \""));
  EXPECT_EQ(promise.take_decided().size(), 1u);
}

TEST(Loading, DeterministicRefusesWhatCannotBe) {
  struct Case {
    LoadOptions options;
    const char* reason;
  };
  const Case kCases[] = {
      {{.kv_type = KvType::F16, .deterministic = true}, "remove model.kv_type = \"f16\""},
      {{.gpu_layers = 1, .deterministic = true}, "GPU"},
  };
  for (const Case& c : kCases) {
    const auto loaded =
        load_model({.path = "", .options = c.options}, Machine{}, [](float) { return true; });
    ASSERT_FALSE(loaded.ok()) << c.reason;
    EXPECT_EQ(loaded.error().field, "model.deterministic");
    EXPECT_THAT(loaded.error().message, HasSubstr(c.reason));
  }
}

}  // namespace
}  // namespace hearth::engine
