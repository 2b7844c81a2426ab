#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/runtime/engine_harness.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

const LoadOptions kOptions{.context_tokens = 1'024, .slots = 4};
constexpr int kReplies = 40;

chat::PlainTokens some_tokens(int count, int kind) {
  chat::PlainTokens prompt;
  for (int i = 0; i < count; ++i) prompt.tokens.push_back(300 + (i * (7 + kind) + 13 * kind) % 200);
  return prompt;
}

/// Reply number `i`: prompts of all lengths, some beyond 512 tokens, some of which begin alike;
/// seeded and greedy.
chat::Request wanted(int i) {
  static const int kLengths[] = {3, 40, 64, 65, 130, 300, 511, 600, 700};
  chat::Request request = continuation("", static_cast<std::uint32_t>(8 + i * 5 % 40));
  request.prompt = some_tokens(kLengths[i % 9] + i % 4, i % 3);
  request.deterministic = true;
  request.sampling.temperature = i % 4 == 0 ? 0.0f : 1.0f;
  if (i % 4 > 1) request.sampling.seed = static_cast<std::uint32_t>(i);
  if (i % 5 == 0) request.sampling.top_k = 40;
  if (i % 7 == 0) request.sampling.repeat_penalty = 1.2f;
  return request;
}

/// Something else that runs meanwhile: forks of the same prompts, long ones, short ones.
chat::Request noise(std::mt19937& random) {
  const auto up_to = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  chat::Request request = continuation("", static_cast<std::uint32_t>(1 + up_to(60)));
  request.prompt = some_tokens(1 + up_to(900), up_to(5));
  request.sampling.temperature = 1;
  request.cache_prompt = up_to(4) > 0;
  return request;
}

TEST(EngineDeterministic, RepliesUnderLoadEqualThoseOfAQuietEngine) {
  std::vector<Heard> alone;
  {
    EngineHarness quiet;
    quiet.load(kOptions);
    for (int i = 0; i < kReplies; ++i) {
      chat::Request request = wanted(i);
      request.cache_prompt = false;
      alone.push_back(quiet.generate(request));
      ASSERT_TRUE(alone.back().finished) << i;
      EXPECT_TRUE(alone.back().started.deterministic);
      EXPECT_EQ(alone.back().started.seed, request.sampling.seed.value_or(0));
    }
  }
  EngineHarness busy;
  LoadOptions options = kOptions;
  options.threads = 2;
  options.prefill_chunk_tokens = 48;
  busy.load(options);
  std::mt19937 random(1);
  std::vector<std::uint64_t> others;
  std::uint64_t cached = 0;
  for (int first = 0; first < kReplies; first += 5) {
    std::vector<std::uint64_t> ids;
    for (int i = first; i < first + 5; ++i) {
      others.push_back(busy.start(noise(random)));
      ids.push_back(busy.start(wanted(i)));
      if (random() % 2 == 0) busy.send(Cancel{others[random() % others.size()]});
    }
    for (int i = 0; i < 5; ++i) {
      const Heard& heard = busy.hear(ids[i]);
      ASSERT_TRUE(heard.finished) << first + i;
      EXPECT_EQ(heard.bits(), alone[first + i].bits()) << first + i;
      EXPECT_EQ(heard.text, alone[first + i].text) << first + i;
      cached += heard.started.cached_tokens;
    }
  }
  for (const std::uint64_t id : others) busy.hear(id);
  EXPECT_GT(cached, 1'000u);  // and they did share
}

TEST(EngineDeterministic, IsRefusedWhereItCannotBeKept) {
  EngineHarness engine;
  LoadOptions options = kOptions;
  options.kv_type = KvType::F16;
  engine.load(options);
  const Heard heard = engine.generate(wanted(1));
  ASSERT_TRUE(heard.failed);
  EXPECT_EQ(heard.failed->code, Code::InvalidInput);
  EXPECT_EQ(heard.failed->field, "deterministic");
  EXPECT_THAT(heard.failed->message, HasSubstr("KV cache is f16"));
  chat::Request plain = wanted(1);
  plain.deterministic = false;
  EXPECT_TRUE(engine.generate(plain).finished);
}

TEST(EngineDeterministic, LoadsWithTheProofAndSaysWhatBitsDependOn) {
  EngineHarness engine;
  LoadOptions options = kOptions;
  options.deterministic = true;
  const Loaded loaded = engine.load(options);
  EXPECT_TRUE(loaded.batch_invariant);
  EXPECT_THAT(loaded.numerics, HasSubstr("kv=q8_0"));
  EXPECT_TRUE(engine.generate(wanted(2)).finished);
}

TEST(EngineDeterministic, ACancelledOneThatWaitsForTheSelfCheckEnds) {
  EngineHarness engine;
  engine.load(kOptions);
  const std::uint64_t first = engine.start(wanted(7)), second = engine.start(wanted(8));
  engine.send(Cancel{first});
  EXPECT_TRUE(engine.hear(first).failed);
  EXPECT_TRUE(engine.hear(second).finished);
}

}  // namespace
}  // namespace hearth::engine
