#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/runtime/engine_harness.h"

namespace hearth::engine {
namespace {

using ::testing::HasSubstr;

TEST(EngineService, SaysWhatIsLoadedAndShowsProgress) {
  EngineHarness engine;
  engine.send(Load{.path = "", .options = {.context_tokens = 300, .slots = 3, .threads = 1}});
  EXPECT_GE(engine.await<LoadProgress>().fraction, 0.0f);
  const Loaded loaded = engine.await<Loaded>();
  EXPECT_EQ(loaded.context_tokens, 300u);
  EXPECT_EQ(loaded.slots, 3u);
  EXPECT_EQ(loaded.threads, 1u);
  EXPECT_EQ(loaded.kv_type, KvType::Q8_0);
  EXPECT_TRUE(loaded.can_embed);
  EXPECT_GT(loaded.facts.vocabulary, 100u);
}

TEST(EngineService, LoadsOnceAndOnlyWhatIsThere) {
  EngineHarness engine;
  engine.send(Load{.path = "/nowhere/model.gguf"});
  const LoadFailed missing = engine.await<LoadFailed>();
  EXPECT_EQ(missing.error.code, Code::NotFound);
  EXPECT_THAT(missing.error.message, HasSubstr("/nowhere/model.gguf"));
  engine.send(Load{.path = ""});
  EXPECT_EQ(engine.await<LoadFailed>().error.code, Code::InvalidInput);
}

TEST(EngineService, BeforeLoadingEverythingIsUnavailable) {
  EngineHarness engine;
  EXPECT_EQ(engine.generate(continuation("Too early", 3)).failed.value().code, Code::Unavailable);
  engine.send(Tokenize{.id = 5, .text = "x"});
  const RequestFailed failed = engine.await<RequestFailed>();
  EXPECT_EQ(failed.id, 5u);
  EXPECT_EQ(failed.error.code, Code::Unavailable);
  engine.send(Embed{.id = 6, .inputs = {std::string("x")}});
  EXPECT_EQ(engine.await<RequestFailed>().id, 6u);
}

TEST(EngineService, AnAccountWithALongLineDoesNotHoldUpAnother) {
  EngineHarness engine;
  engine.load({.slots = 1, .threads = 1});
  const auto ask = [&engine](std::uint64_t account, std::uint32_t tokens) {
    auto request = continuation("Somebody asks", tokens);
    request.account = account;
    return engine.start(std::move(request));
  };
  std::vector<std::uint64_t> greedy;
  for (int i = 0; i < 6; ++i) greedy.push_back(ask(1, 150));
  const auto modest = ask(2, 8);
  EXPECT_TRUE(engine.hear(modest).finished);
  int ended = 0;
  for (const auto id : greedy) ended += engine.so_far(id).ended() ? 1 : 0;
  EXPECT_LE(ended, 2) << "the one that ran, and at most one that began before the other arrived";
  for (const auto id : greedy) EXPECT_TRUE(engine.hear(id).finished);
}

TEST(EngineService, EndsWithTheRightStatus) {
  {
    EngineHarness engine;
    engine.load();
    engine.start(continuation("Never finished", 200));
    engine.send(Unload{});
    EXPECT_EQ(engine.wait(), 0);
  }
  {
    EngineHarness engine;
    engine.load();
    engine.start(continuation("Never heard", 200));
    engine.hang_up();
    EXPECT_EQ(engine.wait(), 0);
  }
  const process::Frame kBroken[] = {
      {kProtocolVersion, 250, ""},
      {kProtocolVersion + 1, encode(Request(Stats{1})).type, encode(Request(Stats{1})).payload},
      {kProtocolVersion, encode(Request(Stats{1})).type, "\xFF\xFF"},
  };
  for (const process::Frame& frame : kBroken) {
    EngineHarness engine;
    engine.send_frame(frame);
    EXPECT_EQ(engine.wait(), 1);
  }
}

TEST(EngineService, UnloadInterruptsLoading) {
  EngineHarness engine;
  engine.send(Load{.path = ""});
  engine.send(Unload{});
  EXPECT_EQ(engine.wait(), 0);
}

TEST(EngineService, TokensThereAndBack) {
  EngineHarness engine;
  const Loaded loaded = engine.load();
  const std::string text = "Grüße aus Zürich, 世界! 🙂";
  engine.send(Tokenize{.id = 1, .text = text});
  const Tokens tokens = engine.await<Tokens>();
  EXPECT_GT(tokens.tokens.size(), 3u);
  engine.send(Detokenize{.id = 2, .tokens = tokens.tokens});
  const Text back = engine.await<Text>();
  EXPECT_EQ(back.id, 2u);
  EXPECT_THAT(back.text, HasSubstr(text));
  engine.send(Tokenize{.id = 3, .text = ""});
  EXPECT_TRUE(engine.await<Tokens>().tokens.empty());
  engine.send(Detokenize{.id = 4, .tokens = {static_cast<chat::Token>(loaded.facts.vocabulary)}});
  const RequestFailed failed = engine.await<RequestFailed>();
  EXPECT_EQ(failed.error.code, Code::InvalidInput);
  EXPECT_EQ(failed.error.field, "tokens");
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(EngineService, EmbeddingsAreUnitVectorsWhateverTheBatch) {
  EngineHarness engine;
  const Loaded loaded = engine.load({.context_tokens = 512});
  Embed many{.id = 1, .inputs = {}};
  // More inputs than one batch takes, some longer than a chunk.
  for (int i = 0; i < 21; ++i)
    many.inputs.push_back(words("Input " + std::to_string(i), i % 4 == 0 ? 40 : 2));
  engine.send(many);
  const Embedded all = engine.await<Embedded>();
  ASSERT_EQ(all.vectors.size(), many.inputs.size());
  EXPECT_GT(all.prompt_tokens, 200u);
  for (std::size_t i = 0; i < many.inputs.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(all.vectors[i].size(), loaded.facts.embedding_length);
    EXPECT_NEAR(dot(all.vectors[i], all.vectors[i]), 1.0, 1e-5);
    engine.send(Embed{.id = 100 + i, .inputs = {many.inputs[i]}});
    EXPECT_NEAR(dot(engine.await<Embedded>().vectors.at(0), all.vectors[i]), 1.0, 1e-3);
  }
  EXPECT_LT(dot(all.vectors[0], all.vectors[1]), 0.9999);
}

TEST(EngineService, EmbeddingAndGeneratingGoTogether) {
  EngineHarness engine;
  engine.load();
  const std::uint64_t stream = engine.start(continuation("Meanwhile", 50));
  engine.send(Embed{.id = 900, .inputs = {words("Long", 80), std::string("short")}});
  EXPECT_EQ(engine.await<Embedded>().vectors.size(), 2u);
  EXPECT_EQ(engine.hear(stream).choices.size(), 50u);
}

TEST(EngineService, EmbedRefusesWhatItCannotDo) {
  EngineHarness engine;
  engine.load({.context_tokens = 256});
  engine.send(Embed{.id = 1, .inputs = {std::string("fine"), std::vector<chat::Token>(257, 5)}});
  RequestFailed failed = engine.await<RequestFailed>();
  EXPECT_EQ(failed.error.code, Code::InvalidInput);
  EXPECT_EQ(failed.error.field, "input[1]");
  EXPECT_THAT(failed.error.message, HasSubstr("257"));
  EXPECT_THAT(failed.error.message, HasSubstr("256"));
  engine.send(Embed{.id = 2, .inputs = {std::vector<chat::Token>{1 << 30}}});
  failed = engine.await<RequestFailed>();
  EXPECT_EQ(failed.error.field, "input[0]");
  engine.send(Embed{.id = 3, .inputs = {std::vector<chat::Token>(256, 5)}});
  EXPECT_EQ(engine.await<Embedded>().prompt_tokens, 256u);
}

TEST(EngineService, EmbeddingsCanBeSwitchedOff) {
  EngineHarness engine;
  EXPECT_FALSE(engine.load({.embeddings = false}).can_embed);
  engine.send(Embed{.id = 1, .inputs = {std::string("x")}});
  EXPECT_EQ(engine.await<RequestFailed>().error.field, "model");
}

}  // namespace
}  // namespace hearth::engine
