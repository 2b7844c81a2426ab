#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/runtime/engine_harness.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::ordered_json;

/// A greedy model soon says the same again and again: every draft comes true.
chat::Request repetitive(std::uint32_t tokens) {
  return continuation(words("Again and again.", 30) + words(" Again and again.", 30), tokens);
}

chat::Request without_lookup(chat::Request request) {
  request.lookup = false;
  return request;
}

TEST(EngineDraft, DraftsChangeNothingButTheSpeed) {
  EngineHarness engine;
  ASSERT_TRUE(engine.load({.context_tokens = 512}).batch_invariant);
  struct Case {
    const char* what;
    std::function<void(chat::Request&)> change;
  };
  const Case kCases[] = {
      {"greedy", [](auto&) {}},
      {"likeliest of a chain", [](auto& r) { r.sampling.repeat_penalty = 1.05f; }},
      {"seeded", [](auto& r) { r.sampling.temperature = 0.6f, r.sampling.seed = 4; }},
      {"wild", [](auto& r) { r.sampling.temperature = 2, r.sampling.seed = 5; }},
      {"one token", [](auto& r) { r.tokens_max = 1; }},
      {"two tokens", [](auto& r) { r.tokens_max = 2; }},
      {"until the end token", [](auto& r) { r.ignore_eos = false; }},
  };
  std::uint32_t accepted = 0;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    chat::Request request = repetitive(120);
    c.change(request);
    const Heard plain = engine.generate(without_lookup(request));
    const Heard drafted = engine.generate(request);
    ASSERT_TRUE(plain.finished && drafted.finished);
    EXPECT_EQ(plain.finished->timings.drafted_tokens, 0u);
    EXPECT_EQ(drafted.text, plain.text);
    EXPECT_EQ(drafted.bits(), plain.bits());
    EXPECT_EQ(drafted.finished->reason, plain.finished->reason);
    EXPECT_EQ(drafted.finished->usage.completion_tokens, plain.finished->usage.completion_tokens);
    EXPECT_LE(drafted.finished->timings.accepted_tokens, drafted.finished->timings.drafted_tokens);
    accepted += drafted.finished->timings.accepted_tokens;
  }
  EXPECT_GT(accepted, 0u);
}

TEST(EngineDraft, AcceptedDraftsSaveSteps) {
  EngineHarness engine;
  engine.load({.context_tokens = 512});
  const Heard heard = engine.generate(repetitive(120));
  ASSERT_TRUE(heard.finished);
  const chat::Timings& timings = heard.finished->timings;
  const StatsReply stats = engine.stats();
  EXPECT_EQ(stats.completion_tokens, 120u);
  // Each step gives one token and those of its draft that were right; the prompt takes some more.
  EXPECT_LE(stats.decode_steps + timings.accepted_tokens, 120u + 8);
}

TEST(EngineDraft, StopsWhereItWouldHaveStopped) {
  EngineHarness engine;
  engine.load({.context_tokens = 512});
  const std::string whole = engine.generate(without_lookup(repetitive(100))).text;
  for (std::size_t at = 0; at + 4 < whole.size(); at += whole.size() / 11 + 1) {
    chat::Request request = repetitive(100);
    std::size_t begin = at;
    while ((whole[begin] & 0xC0) == 0x80) ++begin;
    std::size_t end = begin + 4;
    while (end < whole.size() && (whole[end] & 0xC0) == 0x80) ++end;
    request.stop = {whole.substr(begin, end - begin)};
    const Heard drafted = engine.generate(request);
    ASSERT_TRUE(drafted.finished);
    EXPECT_EQ(drafted.text, whole.substr(0, whole.find(request.stop[0])));
    EXPECT_EQ(drafted.finished->stop_string, request.stop[0]);
  }
  for (std::uint32_t most = 1; most < 40; most += 3) {
    const Heard drafted = engine.generate(repetitive(most));
    EXPECT_EQ(drafted.choices.size(), most);
    EXPECT_EQ(drafted.text, whole.substr(0, drafted.text.size()));
  }
}

TEST(EngineDraft, NeighboursSeeNothingOfIt) {
  EngineHarness engine;
  engine.load({.context_tokens = 512, .slots = 4});
  std::vector<chat::Request> requests;
  std::vector<Heard> alone;
  for (std::uint32_t i = 0; i < 4; ++i) {
    chat::Request request = continuation(words("Neighbour " + std::to_string(i), 20), 60 + 10 * i);
    request.sampling = {.temperature = i < 2 ? 0.0f : 0.7f, .seed = i};
    requests.push_back(request);
    alone.push_back(engine.generate(without_lookup(request)));
  }
  std::vector<std::uint64_t> ids;
  for (const chat::Request& request : requests) ids.push_back(engine.start(request));
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(engine.hear(ids[i]).bits(), alone[i].bits()) << i;
  // What was computed on trial is gone: a later prompt finds only what was said.
  chat::Request longer = continuation(words("Neighbour 3", 20) + alone[3].text + " more", 5);
  longer.sampling.seed = 1;
  const Heard warm = engine.generate(longer);
  EXPECT_GT(warm.started.cached_tokens, 0u);
  longer.cache_prompt = false;
  EXPECT_EQ(engine.generate(longer).bits(), warm.bits());
}

TEST(EngineDraft, SeedsGetNoDraftsWhereBatchesMatter) {
  EngineHarness engine;
  ASSERT_FALSE(
      engine.load({.context_tokens = 512, .slots = 1, .kv_type = KvType::F16}).batch_invariant);
  chat::Request request = repetitive(100);
  EXPECT_GT(engine.generate(request).finished->timings.drafted_tokens, 0u);
  request.sampling.seed = 1;
  EXPECT_EQ(engine.generate(request).finished->timings.drafted_tokens, 0u);
}

// ---- forced tokens ----------------------------------------------------------------------------

constexpr const char* kRecord = R"({"type":"object","properties":{
  "identifier":{"type":"integer","minimum":0,"maximum":9},"is active":{"type":"boolean"},
  "colour":{"enum":["red","green"]},"constant":{"const":"always, the \"same\""},
  "label":{"type":"string","maxLength":6}},
  "required":["identifier","is active","colour","constant","label"],
  "additionalProperties":false})";

chat::Request record_request(float temperature, std::uint32_t seed) {
  chat::Request request{.prompt = chat::PlainText{"A record, please: "}};
  request.sampling.temperature = temperature;
  request.sampling.seed = seed;
  request.tokens_max = 200;
  request.format = {chat::OutputFormat::Kind::JsonSchema, kRecord};
  return request;
}

TEST(EngineForced, JsonIsValidAndWrittenInOneWay) {
  EngineHarness engine;
  engine.load({.context_tokens = 1'024});
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const Heard heard = engine.generate(record_request(seed == 0 ? 0.0f : 2.0f, seed));
    ASSERT_TRUE(heard.finished) << (heard.failed ? heard.failed->message : "");
    EXPECT_EQ(heard.finished->reason, chat::FinishReason::Stop);
    EXPECT_GT(heard.finished->timings.forced_tokens, heard.finished->usage.completion_tokens / 2);
    const Json value = Json::parse(heard.text, nullptr, false);
    ASSERT_TRUE(value.is_object()) << heard.text;
    EXPECT_EQ(value.size(), 5u);
    EXPECT_TRUE(value["identifier"].is_number_integer());
    EXPECT_TRUE(value["is active"].is_boolean());
    EXPECT_EQ(value["constant"], "always, the \"same\"");
    EXPECT_THAT(value["colour"], ::testing::AnyOf("red", "green"));
    EXPECT_EQ(heard.text.rfind(R"({"identifier": )", 0), 0u) << heard.text;
    EXPECT_THAT(heard.text, ::testing::HasSubstr(R"(, "constant": "always, the \"same\"", ")"));
  }
}

TEST(EngineForced, TheSameRequestGivesTheSameBytes) {
  EngineHarness engine;
  engine.load({.context_tokens = 512, .slots = 2});
  const Heard first = engine.generate(record_request(1.0f, 9));
  const std::uint64_t other = engine.start(repetitive(60));
  EXPECT_EQ(engine.generate(record_request(1.0f, 9)).text, first.text);
  engine.hear(other);
  EXPECT_EQ(engine.generate(without_lookup(record_request(1.0f, 9))).text, first.text);
}

TEST(EngineForced, NotWhereItIsSwitchedOffOrProbabilitiesAreAsked) {
  EngineHarness engine;
  engine.load({.context_tokens = 512});
  chat::Request request = record_request(0, 1);
  request.forced_tokens = false;
  const Heard plain = engine.generate(request);
  EXPECT_EQ(plain.finished->timings.forced_tokens, 0u);
  EXPECT_FALSE(Json::parse(plain.text, nullptr, false).is_discarded());

  request.forced_tokens = true;
  request.top_logprobs = 2;
  const Heard described = engine.generate(request);
  EXPECT_EQ(described.finished->timings.forced_tokens, 0u);
  EXPECT_EQ(described.text, plain.text);
  std::string bytes;
  for (const chat::TokenChoice& choice : described.choices) bytes += choice.chosen.bytes;
  EXPECT_EQ(bytes.rfind(plain.text, 0), 0u);
}

TEST(EngineForced, EndsInsideForcedText) {
  EngineHarness engine;
  engine.load({.context_tokens = 512});
  for (std::uint32_t most = 1; most < 12; ++most) {
    chat::Request request = record_request(0, 1);
    request.tokens_max = most;
    const Heard heard = engine.generate(request);
    ASSERT_TRUE(heard.finished);
    EXPECT_EQ(heard.finished->usage.completion_tokens, most);
    EXPECT_EQ(heard.finished->reason, chat::FinishReason::Length);
  }
  chat::Request request = record_request(0, 1);
  request.stop = {"ident"};
  Heard heard = engine.generate(request);
  EXPECT_EQ(heard.text, "{\"");
  EXPECT_EQ(heard.finished->stop_string, "ident");
  request.stop = {"is active"};
  heard = engine.generate(request);
  EXPECT_EQ(heard.finished->stop_string, "is active");
  EXPECT_TRUE(heard.text.ends_with(", \"")) << heard.text;
}

TEST(EngineForced, AWholeAnswerMayBeForced) {
  EngineHarness engine;
  engine.load({.context_tokens = 512});
  chat::Request request{.prompt = chat::PlainText{"Say it."}};
  request.sampling.temperature = 0;
  request.format = {chat::OutputFormat::Kind::Grammar, R"(root ::= "There is no other way.")"};
  const Heard heard = engine.generate(request);
  ASSERT_TRUE(heard.finished);
  EXPECT_EQ(heard.text, "There is no other way.");
  EXPECT_EQ(heard.finished->reason, chat::FinishReason::Stop);
  EXPECT_EQ(heard.finished->timings.forced_tokens, heard.finished->usage.completion_tokens);
  request.ignore_eos = true;  // then it has no end, and nothing more to say
  EXPECT_TRUE(engine.generate(request).failed);
}

}  // namespace
}  // namespace hearth::engine
