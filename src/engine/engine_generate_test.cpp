#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/engine_harness.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

TEST(EngineGenerate, ContinuesTextUpToTheAskedLength) {
  EngineHarness engine;
  const Loaded loaded = engine.load();
  EXPECT_TRUE(loaded.batch_invariant);
  EXPECT_EQ(loaded.kv_type, KvType::Q8_0);
  chat::Request request = continuation("Hello there", 12);
  request.lookup = false;  // one step for each token
  const Heard heard = engine.generate(request);
  ASSERT_TRUE(heard.finished);
  EXPECT_EQ(heard.finished->reason, chat::FinishReason::Length);
  EXPECT_EQ(heard.finished->usage.completion_tokens, 12u);
  EXPECT_EQ(heard.finished->usage.prompt_tokens, heard.started.prompt_tokens);
  EXPECT_EQ(heard.choices.size(), 12u);
  for (const chat::TokenChoice& choice : heard.choices) EXPECT_LE(choice.chosen.logprob, 0);
  const StatsReply stats = engine.stats();
  EXPECT_EQ(stats.completion_tokens, 12u);
  EXPECT_EQ(stats.decode_steps, 12u);
  EXPECT_EQ(stats.kv_cells_used, heard.started.prompt_tokens + 11);
  EXPECT_GT(stats.resident_bytes, 1'000'000u);
}

TEST(EngineGenerate, ReusedPrefixGivesTheBitsOfAColdStart) {
  const std::string shared = words("A long beginning that two prompts share.", 60);
  const chat::Request first = continuation(shared + " One way to go on.", 24);
  const chat::Request second = continuation(shared + " Another way.", 24);

  EngineHarness cold;
  cold.load();
  const Heard alone = cold.generate(second);
  EXPECT_EQ(alone.started.cached_tokens, 0u);

  EngineHarness warm;
  warm.load();
  warm.generate(first);
  const Heard forked = warm.generate(second);
  EXPECT_GT(forked.started.cached_tokens, 60u);
  EXPECT_LT(forked.started.cached_tokens, forked.started.prompt_tokens);
  EXPECT_EQ(forked.text, alone.text);
  EXPECT_EQ(forked.bits(), alone.bits());

  const Heard again = warm.generate(second);
  EXPECT_EQ(again.started.cached_tokens, again.started.prompt_tokens - 1);
  EXPECT_EQ(again.bits(), alone.bits());
}

TEST(EngineGenerate, AnAnswerIsReusedByTheNextTurn) {
  EngineHarness engine;
  engine.load();
  chat::Request first = continuation("The first turn of a talk", 8);
  const Heard turn = engine.generate(first);
  std::vector<chat::Token> tokens;
  engine.send(Tokenize{.id = 1'000, .text = "The first turn of a talk", .add_special = true});
  tokens = engine.await<Tokens>().tokens;
  ASSERT_EQ(tokens.size(), turn.started.prompt_tokens);
  for (const chat::TokenChoice& choice : turn.choices) tokens.push_back(choice.chosen.token);
  chat::Request second = continuation("", 4);
  second.prompt = chat::PlainTokens{tokens};
  const Heard next = engine.generate(second);
  // The last generated token was never computed.
  EXPECT_EQ(next.started.cached_tokens, tokens.size() - 1);
}

/// Warm enough that tokens are chosen which no tokenizer would choose for the same text.
chat::Request talking(const chat::Conversation& talk, std::uint32_t seed) {
  return {.prompt = talk,
          .sampling = {.temperature = 1.6f, .seed = seed},
          .tokens_max = 24,
          .trace = true};
}

TEST(EngineGenerate, EveryTurnComputesItsNewTokensOnly) {
  EngineHarness engine;
  engine.load();
  chat::Conversation talk;
  talk.messages.push_back({.role = chat::Role::System, .content = "Be brief."});
  for (std::uint32_t turn = 0; turn < 6; ++turn) {
    talk.messages.push_back({.role = chat::Role::User, .content = "Say something else."});
    const Heard heard = engine.generate(talking(talk, turn));
    ASSERT_TRUE(heard.finished);
    const chat::Trace& trace = heard.finished->trace;
    ASSERT_EQ(trace.follows_seen, turn > 0);
    // All but the last token of an answer that was cut, which was never computed.
    EXPECT_GE(heard.started.cached_tokens + 1, talk.seen.tokens.size());
    EXPECT_EQ(talk.seen.tokens.size() + trace.tokens.size(),
              heard.started.prompt_tokens + heard.finished->usage.completion_tokens -
                  (heard.finished->reason == chat::FinishReason::Stop ? 1 : 0));
    talk.messages.push_back({.role = chat::Role::Assistant, .content = heard.text});
    talk.seen.tokens.insert(talk.seen.tokens.end(), trace.tokens.begin(), trace.tokens.end());
    talk.seen.messages = static_cast<std::uint32_t>(talk.messages.size());
  }
}

TEST(EngineGenerate, TheTailIsSaidWhereItIsAndCanBeTakenOut) {
  EngineHarness engine;
  engine.load();
  chat::Conversation talk;
  talk.messages = {{.role = chat::Role::User, .content = "Hello!"}};
  const Heard without = engine.generate(talking(talk, 1));
  talk.tail = "[today: Monday]";
  const Heard with = engine.generate(talking(talk, 1));
  chat::Trace trace = with.finished->trace;
  ASSERT_GT(trace.tail_tokens, 3u);
  EXPECT_EQ(with.started.prompt_tokens, without.started.prompt_tokens + trace.tail_tokens);
  EXPECT_EQ(with.started.cached_tokens, trace.tail_begin);
  const auto tail = trace.tokens.begin() + trace.tail_begin;
  trace.tokens.erase(tail, tail + trace.tail_tokens);
  const std::vector<chat::Token>& plain = without.finished->trace.tokens;
  EXPECT_TRUE(std::equal(plain.begin(), plain.begin() + without.started.prompt_tokens,
                         trace.tokens.begin()));
}

TEST(EngineGenerate, APromptIsCountedWithoutComputing) {
  EngineHarness engine;
  engine.load();
  chat::Conversation talk;
  talk.messages = {{.role = chat::Role::System, .content = "Be brief."},
                   {.role = chat::Role::User, .content = "Hello!"}};
  const Heard heard = engine.generate(
      {.prompt = talk, .tokens_max = 0, .cache = {.border_messages = 1}, .trace = true});
  ASSERT_TRUE(heard.finished);
  EXPECT_EQ(heard.finished->trace.tokens.size(), heard.started.prompt_tokens);
  EXPECT_GT(heard.finished->trace.border_tokens, 3u);
  EXPECT_LT(heard.finished->trace.border_tokens, heard.started.prompt_tokens);
  EXPECT_EQ(engine.stats().kv_cells_used, 0u);
}

TEST(EngineGenerate, AnAnswerThatAStopStringCutLeavesNoTrace) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("Once upon a time", 24);
  request.trace = true;
  EXPECT_EQ(engine.generate(request).finished->trace.tokens.size(),
            engine.generate(request).started.prompt_tokens + 24);
  request.stop = {engine.generate(request).text.substr(3, 2)};
  EXPECT_TRUE(engine.generate(request).finished->trace.tokens.empty());
}

TEST(EngineGenerate, WithoutCacheNothingIsReadOrLeft) {
  EngineHarness engine;
  engine.load();
  chat::Request request = continuation("Leave no trace of this", 6);
  request.cache_prompt = false;
  engine.generate(request);
  EXPECT_EQ(engine.stats().kv_cells_used, 0u);
  engine.generate(continuation("Leave no trace of this", 6));
  EXPECT_EQ(engine.generate(request).started.cached_tokens, 0u);
}

TEST(EngineGenerate, FourAtOnceAreBitForBitFourAlone) {
  std::vector<chat::Request> requests;
  for (int i = 0; i < 4; ++i)
    requests.push_back(continuation(words("Prompt number " + std::to_string(i), 5 + 40 * i), 20));
  std::vector<Heard> alone;
  for (const chat::Request& request : requests) {
    EngineHarness engine;
    engine.load();
    alone.push_back(engine.generate(request));
  }
  EngineHarness engine;
  engine.load();
  std::vector<std::uint64_t> ids;
  for (const chat::Request& request : requests) ids.push_back(engine.start(request));
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const Heard& together = engine.hear(ids[i]);
    EXPECT_EQ(together.text, alone[i].text);
    EXPECT_EQ(together.bits(), alone[i].bits());
  }
}

TEST(EngineGenerate, ALongPromptDoesNotStallAStream) {
  EngineHarness engine;
  engine.load({.context_tokens = 1'024, .prefill_chunk_tokens = 16});
  const std::uint64_t stream = engine.start(continuation("A stream", 900));
  while (engine.so_far(stream).choices.size() < 3 && engine.step()) {
  }
  const std::uint64_t prompt = engine.start(continuation(words("A long prompt", 150), 4));
  while (engine.so_far(prompt).started.prompt_tokens == 0 && engine.step()) {
  }
  const std::size_t before = engine.so_far(stream).choices.size();
  while (engine.so_far(prompt).choices.empty() && engine.step()) {
  }
  const std::size_t chunks = engine.so_far(prompt).started.prompt_tokens / 16;
  ASSERT_GT(chunks, 8u);
  // A token of the stream with every chunk; characters of several tokens may be told together.
  EXPECT_GT(engine.so_far(stream).choices.size(), before + chunks / 2);
  engine.send(Cancel{stream});
  EXPECT_EQ(engine.hear(stream).failed.value().code, Code::Cancelled);
}

TEST(EngineGenerate, CancelInsideAPromptLeavesOthersExact) {
  const chat::Request other = continuation(words("The other one", 20), 40);
  EngineHarness quiet;
  quiet.load();
  const Heard alone = quiet.generate(other);

  EngineHarness engine;
  engine.load({.prefill_chunk_tokens = 64});
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    const std::uint64_t kept = engine.start(other);
    chat::Request endless = continuation(words("To be cancelled " + std::to_string(round), 150), 0);
    endless.tokens_max.reset();
    const std::uint64_t cancelled = engine.start(endless);
    while (engine.so_far(cancelled).started.prompt_tokens == 0 && engine.step()) {
    }
    engine.send(Cancel{cancelled});
    EXPECT_EQ(engine.hear(cancelled).failed.value().code, Code::Cancelled);
    const Heard& heard = engine.hear(kept);
    ASSERT_TRUE(heard.finished);
    EXPECT_EQ(heard.text, alone.text);
    EXPECT_EQ(heard.bits(), alone.bits());
  }
}

TEST(EngineGenerate, CancelOfWhatWaits) {
  EngineHarness engine;
  engine.load({.slots = 1});
  chat::Request endless = continuation("Goes on", 0);
  endless.tokens_max.reset();
  const std::uint64_t running = engine.start(endless);
  const std::uint64_t waiting = engine.start(endless);
  engine.send(Cancel{waiting});
  EXPECT_EQ(engine.hear(waiting).failed.value().code, Code::Cancelled);
  EXPECT_EQ(engine.so_far(waiting).started.prompt_tokens, 0u);
  engine.send(Cancel{running});
  engine.send(Cancel{12'345});  // unknown: ignored
  EXPECT_EQ(engine.hear(running).failed.value().code, Code::Cancelled);
  EXPECT_EQ(engine.stats().generating, 0u);
}

TEST(EngineGenerate, MoreThanTheSlotsTakeTheirTurns) {
  EngineHarness engine;
  engine.load({.slots = 2});
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 9; ++i)
    ids.push_back(engine.start(continuation("Turn " + std::to_string(i), 5)));
  for (const std::uint64_t id : ids) {
    ASSERT_TRUE(engine.hear(id).finished);
    EXPECT_EQ(engine.so_far(id).choices.size(), 5u);
  }
}

TEST(EngineGenerate, EvictsTheLongestUnusedWhenCellsRunOut) {
  EngineHarness engine;
  const Loaded loaded = engine.load({.context_tokens = 256, .slots = 1});
  ASSERT_EQ(loaded.context_tokens, 256u);
  std::vector<Heard> first;
  for (int i = 0; i < 6; ++i)
    first.push_back(
        engine.generate(continuation(words("Session " + std::to_string(i) + ".", 15), 30)));
  EXPECT_LE(engine.stats().kv_cells_used, engine.stats().kv_cells);
  for (int i = 5; i >= 0; --i) {
    const Heard again =
        engine.generate(continuation(words("Session " + std::to_string(i) + ".", 15), 30));
    ASSERT_TRUE(again.finished);
    EXPECT_EQ(again.text, first[i].text);
    if (i == 5) {
      EXPECT_EQ(again.started.cached_tokens, again.started.prompt_tokens - 1);
    }
  }
}

TEST(EngineGenerate, RunsToTheEndOfTheContext) {
  EngineHarness engine;
  engine.load({.context_tokens = 256, .slots = 2});
  chat::Request request = continuation("To the end", 0);
  request.tokens_max.reset();
  const std::uint64_t a = engine.start(request);
  const std::uint64_t b = engine.start(request);
  for (const std::uint64_t id : {a, b}) {
    const Heard& heard = engine.hear(id);
    ASSERT_TRUE(heard.finished);
    EXPECT_EQ(heard.finished->reason, chat::FinishReason::Length);
    EXPECT_EQ(heard.started.prompt_tokens + heard.finished->usage.completion_tokens, 256u);
  }
}

TEST(EngineGenerate, AContextSmallerThanAChunk) {
  EngineHarness engine;
  ASSERT_EQ(engine.load({.context_tokens = 40, .slots = 1}).context_tokens, 40u);
  chat::Request request = continuation("", 10);
  request.prompt = chat::PlainTokens{std::vector<chat::Token>(39, 5)};
  EXPECT_EQ(engine.generate(request).finished.value().usage.completion_tokens, 1u);
}

TEST(EngineGenerate, PromptAtTheEdgeOfTheContext) {
  EngineHarness engine;
  engine.load({.context_tokens = 256, .slots = 1});
  chat::Request request = continuation("", 5);
  request.prompt = chat::PlainTokens{std::vector<chat::Token>(256, 5)};
  const Heard full = engine.generate(request);
  ASSERT_TRUE(full.finished);
  EXPECT_EQ(full.finished->usage.completion_tokens, 0u);
  EXPECT_EQ(full.finished->reason, chat::FinishReason::Length);
  request.prompt = chat::PlainTokens{std::vector<chat::Token>(255, 5)};
  EXPECT_EQ(engine.generate(request).finished.value().usage.completion_tokens, 1u);
  request.prompt = chat::PlainTokens{std::vector<chat::Token>(257, 5)};
  const Heard over = engine.generate(request);
  EXPECT_EQ(over.failed.value().code, Code::TooLarge);
  EXPECT_EQ(over.failed->field, "prompt");
  EXPECT_THAT(over.failed->message, HasSubstr("the prompt has 257 tokens, the context holds 256"));
}

}  // namespace
}  // namespace hearth::engine
