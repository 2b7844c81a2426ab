#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/runtime/engine_harness.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

chat::Request wild(std::uint32_t tokens) {
  chat::Request request = continuation("Something random", tokens);
  request.sampling.temperature = 2;
  return request;
}

TEST(EngineSampling, SeedsDecide) {
  EngineHarness engine;
  engine.load();
  chat::Request request = wild(30);
  request.sampling.seed = 7;
  const Heard seven = engine.generate(request);
  EXPECT_EQ(seven.started.seed, 7u);
  const Heard again = engine.generate(request);
  EXPECT_EQ(again.bits(), seven.bits());
  EXPECT_GT(again.started.cached_tokens, 0u);
  request.sampling.seed = 8;
  EXPECT_NE(engine.generate(request).text, seven.text);

  request.sampling.seed = 0xFFFFFFFF;  // llama.cpp's own word for "random"
  const Heard largest = engine.generate(request);
  EXPECT_EQ(largest.started.seed, 0xFFFFFFFFu);
  EXPECT_EQ(engine.generate(request).bits(), largest.bits());

  const Heard random = engine.generate(wild(30));
  EXPECT_NE(random.text, engine.generate(wild(30)).text);
  request.sampling.seed = random.started.seed;
  EXPECT_EQ(engine.generate(request).text, random.text);
}

TEST(EngineSampling, SeedsRepeatAfterOtherTrafficWhateverTheModel) {
  for (const KvType kv : {KvType::Auto, KvType::F16}) {
    EngineHarness engine;
    const Loaded loaded = engine.load({.context_tokens = 512, .slots = 2, .kv_type = kv});
    EXPECT_EQ(loaded.batch_invariant, kv == KvType::Auto);
    chat::Request request = continuation(words("Said before.", 40), 30);
    request.sampling.temperature = 1.5;
    request.sampling.seed = 99;
    const Heard first = engine.generate(request);
    for (int i = 0; i < 6; ++i) {
      // Traffic that leaves holes, forks and sequences of all lengths in the cache.
      const std::uint64_t a = engine.start(continuation(words("Said before.", 20 + i), 10 + i));
      const std::uint64_t b =
          engine.start(continuation(words("Other " + std::to_string(i), 30 + 5 * i), 25));
      engine.hear(a);
      engine.hear(b);
      const Heard again = engine.generate(request);
      EXPECT_EQ(again.text, first.text) << i;
      EXPECT_EQ(again.bits(), first.bits()) << i;
    }
  }
}

/// `count` tokens of the vocabulary, different for each `kind`.
chat::PlainTokens some_tokens(int count, int kind) {
  chat::PlainTokens prompt;
  for (int i = 0; i < count; ++i) prompt.tokens.push_back(300 + (i * (7 + kind) + 13 * kind) % 200);
  return prompt;
}

class EngineSeeds : public ::testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Kv, EngineSeeds, ::testing::Values(KvType::Auto, KvType::F16));

TEST_P(EngineSeeds, HoldWhereTheCacheHasHoles) {
  EngineHarness engine;
  const LoadOptions options{.context_tokens = 512, .slots = 1, .kv_type = GetParam()};
  ASSERT_EQ(engine.load(options).context_tokens, 512u);
  chat::Request seeded = continuation("", 40);
  seeded.prompt = some_tokens(100, 0);
  seeded.sampling = {.temperature = 1, .seed = 5};
  const Heard first = engine.generate(seeded);
  chat::Request filler = continuation("", 1);
  const auto fill = [&](int tokens, int kind) {
    filler.prompt = some_tokens(tokens, kind);
    engine.generate(filler);
  };
  // The one that lies before the seeded sequence gives way to a shorter one. In the hole that is
  // left, later tokens of the seeded sequence would come before earlier ones.
  for (int kind = 1; kind < 8; kind += 3) {
    fill(450, kind);
    fill(200, kind + 1);
    EXPECT_EQ(engine.generate(seeded).bits(), first.bits());
    fill(180, kind + 2);
    const Heard again = engine.generate(seeded);
    EXPECT_EQ(again.text, first.text);
    EXPECT_EQ(again.bits(), first.bits());
  }
}

TEST(EngineSampling, GreedyTakesTheLikeliest) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("The likeliest", 10);
  request.top_logprobs = 20;
  const Heard heard = engine.generate(request);
  std::set<chat::Token> likelier;
  for (const chat::TokenChoice& choice : heard.choices) {
    ASSERT_EQ(choice.top.size(), 20u);
    for (std::size_t i = 0; choice.top.at(i).token != choice.chosen.token; ++i) {
      likelier.insert(choice.top[i].token);
    }
    double sum = 0;
    for (std::size_t i = 0; i < choice.top.size(); ++i) {
      sum += std::exp(choice.top[i].logprob);
      if (i > 0) {
        EXPECT_LE(choice.top[i].logprob, choice.top[i - 1].logprob);
      }
    }
    EXPECT_LE(sum, 1.0001);
  }
  EXPECT_LE(likelier.size(), 2u);  // the end tokens, which the request leaves out
  // The long way through the sampler chain must choose the same.
  request.sampling.logit_bias = {{heard.choices[0].chosen.token, 0.0f}};
  EXPECT_EQ(engine.generate(request).bits(), heard.bits());
  // And so must top_k = 1 at any temperature.
  request.sampling.logit_bias.clear();
  request.sampling.temperature = 2;
  request.sampling.top_k = 1;
  EXPECT_EQ(engine.generate(request).bits(), heard.bits());
}

TEST(EngineSampling, BiasForcesAndForbids) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("Biased", 5);
  const chat::Token usual = engine.generate(request).choices[0].chosen.token;
  request.sampling.logit_bias = {{usual, -100.0f}};
  EXPECT_NE(engine.generate(request).choices[0].chosen.token, usual);
  const chat::Token forced = usual == 300 ? 301 : 300;
  request.sampling.logit_bias = {{forced, 100.0f}};
  for (const chat::TokenChoice& choice : engine.generate(request).choices)
    EXPECT_EQ(choice.chosen.token, forced);
}

TEST(EngineSampling, PenaltiesStopRepetition) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("Repeat", 12);
  const chat::Token usual = engine.generate(request).choices[0].chosen.token;
  request.sampling.logit_bias = {{usual, 20.0f}};
  request.sampling.presence_penalty = 2;
  request.sampling.frequency_penalty = 2;
  request.sampling.repeat_last_n = -1;
  const Heard heard = engine.generate(request);
  std::size_t repeats = 0;
  for (const chat::TokenChoice& choice : heard.choices) repeats += choice.chosen.token == usual;
  EXPECT_GE(repeats, 1u);
  EXPECT_LT(repeats, heard.choices.size());
}

TEST(EngineSampling, StopStringsAreCutOutWhole) {
  EngineHarness engine;
  engine.load();
  const std::string whole = engine.generate(continuation("Where to stop", 40)).text;
  ASSERT_GT(whole.size(), 20u);
  for (const std::size_t length : {1u, 3u, 9u}) {
    // Any place will do, also inside a token and across several.
    std::size_t at = whole.size() / 2;
    while ((whole[at] & 0xC0) == 0x80) ++at;
    std::size_t end = at + length;
    while (end < whole.size() && (whole[end] & 0xC0) == 0x80) ++end;
    const std::string stop = whole.substr(at, end - at);
    chat::Request request = continuation("Where to stop", 40);
    request.stop = {"never said, never heard", stop};
    const Heard heard = engine.generate(request);
    ASSERT_TRUE(heard.finished);
    EXPECT_EQ(heard.text, whole.substr(0, whole.find(stop)));
    EXPECT_EQ(heard.finished->reason, chat::FinishReason::Stop);
    EXPECT_EQ(heard.finished->stop_string, stop);
  }
}

TEST(EngineSampling, GrammarHolds) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("Yes or no?", 20);
  request.ignore_eos = false;
  request.format = {chat::OutputFormat::Kind::Grammar, R"(root ::= "yes" | "no")"};
  for (const float temperature : {0.0f, 2.0f}) {
    request.sampling.temperature = temperature;
    const Heard heard = engine.generate(request);
    ASSERT_TRUE(heard.finished);
    EXPECT_TRUE(heard.text == "yes" || heard.text == "no") << heard.text;
    EXPECT_EQ(heard.finished->reason, chat::FinishReason::Stop);
  }
}

TEST(EngineSampling, RefusesWhatCannotBe) {
  struct Case {
    const char* what;
    std::function<void(chat::Request&)> change;
    const char* field;
  };
  const Case kCases[] = {
      {"broken grammar",
       [](auto& r) {
         r.format = {chat::OutputFormat::Kind::Grammar, "root ::= ("};
       },
       "grammar"},
      {"grammar of another library",
       [](auto& r) {
         r.format = {chat::OutputFormat::Kind::Grammar, "%llguidance {}"};
       },
       "grammar"},
      {"token above",
       [](auto& r) {
         r.prompt = chat::PlainTokens{{1, 1 << 30}};
       },
       "prompt"},
      {"no tokens", [](auto& r) { r.prompt = chat::PlainTokens{}; }, "prompt"},
      {"bias outside",
       [](auto& r) {
         r.sampling.logit_bias = {{1 << 30, 1.0f}};
       },
       "logit_bias"},
  };
  EngineHarness engine;
  engine.load();
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    chat::Request request = continuation("Fine otherwise", 3);
    c.change(request);
    const Heard heard = engine.generate(request);
    ASSERT_TRUE(heard.failed);
    EXPECT_EQ(heard.failed->code, Code::InvalidInput) << heard.failed->message;
    EXPECT_THAT(heard.failed->field, HasSubstr(c.field));
  }
  EXPECT_TRUE(engine.generate(continuation("Still alive", 3)).finished);
}

}  // namespace
}  // namespace hearth::engine
