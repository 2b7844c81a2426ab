#include "engine/frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace hearth::engine {
namespace {

using json = nlohmann::ordered_json;
using testing::HasSubstr;

std::string packed(const json& value) {
  std::string payload;
  json::to_msgpack(value, payload);
  return payload;
}

json unpacked(const Encoded& encoded) { return json::from_msgpack(encoded.payload); }

// ---- what is written is what is read ----------------------------------------------------------
// The structs have no ==; the packed form is complete, so two values are equal if their packed
// forms are.

template <class Frame>
Frame decoded(const Encoded& encoded);
template <>
Request decoded(const Encoded& encoded) {
  auto got = decode_request(encoded.type, encoded.payload);
  EXPECT_TRUE(got.ok()) << got.error().message;
  return got.ok() ? std::move(got).value() : Request(Unload{});
}
template <>
Reply decoded(const Encoded& encoded) {
  auto got = decode_reply(encoded.type, encoded.payload);
  EXPECT_TRUE(got.ok()) << got.error().message;
  return got.ok() ? std::move(got).value() : Reply(LoadProgress{});
}

template <class Frame>
void expect_survives(const Frame& frame) {
  SCOPED_TRACE("alternative " + std::to_string(frame.index()));
  const auto encoded = encode(frame);
  const auto again = decoded<Frame>(encoded);
  EXPECT_EQ(again.index(), frame.index());
  EXPECT_EQ(unpacked(encode(again)), unpacked(encoded));
}

chat::Request full_chat_request() {
  chat::Conversation prompt;
  prompt.messages = {{.role = chat::Role::System, .content = "Be brief."},
                     {.role = chat::Role::User, .content = "Grüße, 世界", .name = "ann"},
                     {.role = chat::Role::Assistant,
                      .content = "",
                      .reasoning = "thinking",
                      .tool_calls = {{"call_1", "find", "{\"q\":1}"}, {"call_2", "find", "{}"}}},
                     {.role = chat::Role::Tool, .content = "found", .tool_call_id = "call_1"}};
  prompt.tools = {{"find", "Finds things.", "{\"type\":\"object\"}", "{}"}};
  prompt.tool_choice = {chat::ToolChoice::Mode::Named, "find"};
  prompt.parallel_tool_calls = false;
  prompt.seen = {.tokens = {1, 2, 3}, .messages = 3};
  prompt.tail = "[today: Monday]";
  return {.prompt = prompt,
          .sampling = {.temperature = 0.7f,
                       .top_k = 40,
                       .top_p = 0.9f,
                       .min_p = 0.05f,
                       .typical_p = 0.99f,
                       .repeat_penalty = 1.1f,
                       .repeat_last_n = -1,
                       .presence_penalty = -2.0f,
                       .frequency_penalty = 2.0f,
                       .seed = 4'294'967'295u,
                       .logit_bias = {{0, -100.0f}, {2'147'483'647, 100.0f}}},
          .format = {chat::OutputFormat::Kind::JsonSchema, "{\"type\":\"object\"}"},
          .tokens_max = 0,
          .stop = {"\n\n", "###"},
          .top_logprobs = 20,
          .cache_prompt = false,
          .ignore_eos = true,
          .deterministic = true,
          .cache = {.key = "chat 7",
                    .persist = true,
                    .pin = true,
                    .before_seed = true,
                    .border_messages = 2},
          .lookup = false,
          .forced_tokens = false,
          .trace = true,
          .day = 1'795'651'200,
          .account = 18'446'744'073'709'551'615u};
}

TEST(Frames, EveryRequestSurvives) {
  const Request kRequests[] = {
      Load{.path = "/models/\xff.gguf",  // a path need not be UTF-8
           .options = {.context_tokens = 4096,
                       .slots = 16,
                       .threads = 2,
                       .prefill_chunk_tokens = 512,
                       .gpu_layers = 1024,
                       .kv_type = KvType::Q8_0,
                       .embeddings = false,
                       .deterministic = true,
                       .core_board = "/run/board \xff"}},
      Load{},
      Generate{1, full_chat_request()},
      Generate{std::numeric_limits<std::uint64_t>::max(), {.prompt = chat::PlainText{"Once"}}},
      Generate{2, {.prompt = chat::PlainTokens{{0, 5, 2'147'483'647}}}},
      Generate{3, {.prompt = chat::PlainText{"x"}, .cache = {.persist = true}}},
      Cancel{3},
      Embed{4, {"text", std::vector<chat::Token>{1, 2}, ""}},
      Tokenize{5, "<s>", true, false},
      Detokenize{6, {7, 8}},
      Stats{7},
      Load{.path = "", .snapshots = {.directory = "/data/\xff/kv", .bytes_max = 1ull << 63}},
      Identify{std::string(64, 'a')},
      Unload{}};
  for (const auto& request : kRequests) expect_survives(request);
}

TEST(Frames, EveryReplySurvives) {
  const ModelFacts facts{.name = "Ember",
                         .architecture = "llama",
                         .quantization = "Q8_0",
                         .size_bytes = 1ull << 63,
                         .parameters = 5'800'000,
                         .tensors = 100,
                         .context_tokens = 2048,
                         .embedding_length = 256,
                         .layers = 6,
                         .heads = 8,
                         .kv_heads = 2,
                         .key_length = 32,
                         .value_length = 32,
                         .vocabulary = 4096,
                         .tokenizer = "llama",
                         .chat_template = "{{ messages }}",
                         .fingerprint = std::string(64, 'a')};
  const chat::TokenChoice choice{.chosen = {3, "\xe4", -0.25f},
                                 .top = {{3, "\xe4", -0.25f}, {4, "b", -2}}};
  const Reply kReplies[] = {
      LoadProgress{0.5f},
      Loaded{facts, 2048, 4, 2, KvType::Q8_0, true, true, std::string(kNumericsBytesMax, 'x')},
      LoadFailed{{Code::Corrupt, "the file is cut short", "model.path"}},
      GenerateEvent{1, chat::Started{10, 10, 42}},
      GenerateEvent{1, chat::Started{10, 0, 0, true}},
      GenerateEvent{1, chat::Started{10, 0, 0, false, {"a: é", ""}}},
      GenerateEvent{1, chat::Started{10, 0, 0, false,
                                     std::vector(chat::kLoosenedMax,
                                                 std::string(chat::kLoosenedBytesMax, 'x'))}},
      GenerateEvent{1, chat::Delta{}},
      GenerateEvent{1, chat::Delta{.content = "é",
                                   .reasoning = "r",
                                   .tool_calls = {{0, "call_1", "find", ""}, {0, "", "", "{}"}},
                                   .logprobs = {choice, choice}}},
      GenerateEvent{1, chat::Finished{chat::FinishReason::ToolCalls,
                                      "###",
                                      {9, 8, 7},
                                      {1.5, 2.5, 0, 6, 5, 4},
                                      {},
                                      {},
                                      {{1, 2, 3}, true, 1, 2, 7}}},
      GenerateEvent{1, chat::Failed{{Code::TooLarge, "prompt of 9 tokens, context of 8", ""}}},
      Embedded{2, {{0.6f, 0.8f}, {1.0f, -0.0f}}, 5},
      Tokens{3, {1, 2, 3}},
      Text{4, "text"},
      StatsReply{5,
                 1,
                 2,
                 3,
                 4,
                 5,
                 6,
                 7,
                 8,
                 9,
                 {.hits = 10, .misses = 11, .evictions = 12, .kept = 13, .pinned = 14},
                 {.threads = 1,
                  .cores = 2,
                  .limit = CoreUse::Limit::Neighbours,
                  .engines = 3,
                  .shares = true,
                  .neighbour_cores = 0.9f,
                  .downs = 4,
                  .ups = 5,
                  .denied_us = 6}},
      RequestFailed{6, {Code::InvalidInput, "inputs[0]: empty", "inputs[0]"}},
      SnapshotStats{1, 2, 3, 4, 5, 6, 7, 1ull << 63}};
  for (const auto& reply : kReplies) expect_survives(reply);
}

TEST(Frames, DecodedValuesAreTheOnesSent) {
  const auto request =
      std::get<Generate>(decoded<Request>(encode(Request(Generate{9, full_chat_request()}))));
  EXPECT_EQ(request.id, 9u);
  const auto& prompt = std::get<chat::Conversation>(request.request.prompt);
  EXPECT_EQ(prompt.messages[1].content, "Grüße, 世界");
  EXPECT_EQ(prompt.messages[2].tool_calls[1].id, "call_2");
  EXPECT_EQ(prompt.tool_choice.mode, chat::ToolChoice::Mode::Named);
  EXPECT_EQ(prompt.tools[0].outline, "{}");
  EXPECT_EQ(prompt.seen.tokens, (std::vector<chat::Token>{1, 2, 3}));
  EXPECT_EQ(prompt.seen.messages, 3u);
  EXPECT_EQ(prompt.tail, "[today: Monday]");
  EXPECT_EQ(request.request.sampling.temperature, 0.7f);
  EXPECT_EQ(request.request.sampling.seed, 4'294'967'295u);
  EXPECT_EQ(request.request.tokens_max, 0u);
  EXPECT_EQ(request.request.stop, (std::vector<std::string>{"\n\n", "###"}));

  const auto reply =
      std::get<Embedded>(decoded<Reply>(encode(Reply(Embedded{2, {{0.6f, 0.8f}}, 5}))));
  EXPECT_EQ(reply.vectors, (std::vector<std::vector<float>>{{0.6f, 0.8f}}));
  EXPECT_EQ(reply.prompt_tokens, 5u);
}

TEST(Frames, ATokenCostsFewBytes) {
  const auto encoded = encode(Reply(GenerateEvent{1, chat::Delta{.content = " word"}}));
  EXPECT_LE(encoded.payload.size(), 40u);
}

TEST(Frames, RepliesAreMadeSafeToSend) {
  chat::Delta delta{.content = "a\xff", .logprobs = {{.chosen = {1, "\xff", NAN}}}};
  delta.logprobs[0].top = {{2, "b", 1e-6f}, {3, "c", -INFINITY}};
  const auto event =
      std::get<GenerateEvent>(decoded<Reply>(encode(Reply(GenerateEvent{1, delta}))));
  const auto& got = std::get<chat::Delta>(event.event);
  EXPECT_EQ(got.content, "a\xef\xbf\xbd");
  EXPECT_EQ(got.logprobs[0].chosen.bytes, "\xff");
  EXPECT_EQ(got.logprobs[0].chosen.logprob, -9999.0f);
  EXPECT_EQ(got.logprobs[0].top[0].logprob, 0.0f);
  EXPECT_EQ(got.logprobs[0].top[1].logprob, -9999.0f);
}

// ---- what an enemy might send -----------------------------------------------------------------

TEST(Frames, RefusesMalformedPayloads) {
  std::string deep(17, '\x91');  // arrays of one array each
  deep += '\xc0';
  std::string wide("\xde\x00\x41", 3);  // a map of 65 members
  for (char key = 0; key < 65; ++key) wide += {'\xa1', key, '\xc0'};
  std::string bottomless(1'000'000, '\x91');
  std::string many("\xdd\x00\x20\x00\x01", 5);  // an array of 2 Mi + 1 items
  many.append(2 * 1024 * 1024 + 1, '\xc0');
  const std::string kPayloads[] = {"",
                                   "\xc1",
                                   "\x81",
                                   "\x81\xa2id",
                                   "\xdf\xff\xff\xff\xff",
                                   "\xdb\xff\xff\xff\xff",
                                   packed({{"id", 1}}) + "x",
                                   deep,
                                   wide,
                                   bottomless,
                                   many};
  for (const auto& payload : kPayloads) {
    SCOPED_TRACE(payload.substr(0, 20));
    EXPECT_EQ(decode_request(3, payload).error().field, "payload");
    EXPECT_EQ(decode_reply(70, payload).error().field, "payload");
  }
  EXPECT_EQ(decode_request(3, packed(json::array())).error().code, Code::InvalidInput);
  EXPECT_EQ(decode_request(3, packed(5)).error().code, Code::InvalidInput);
}

TEST(Frames, RefusesUnknownTypesAndTheOtherDirection) {
  for (const int type : {0, 10, 64, 66, 68, 255}) {
    EXPECT_EQ(decode_request(static_cast<std::uint8_t>(type), packed({{"id", 1}})).error().field,
              "type");
  }
  for (const int type : {0, 1, 3, 64, 75, 255}) {
    EXPECT_EQ(decode_reply(static_cast<std::uint8_t>(type), packed({{"id", 1}})).error().field,
              "type");
  }
}

/// One field of a good frame set to something bad.
struct Breach {
  const char* pointer;  // JSON pointer of the field
  json value;
  const char* field;  // that the error must name
};

template <class Decode>
void expect_refused(const Encoded& good, const std::vector<Breach>& breaches, Decode decode) {
  for (const Breach& breach : breaches) {
    SCOPED_TRACE(
        std::string(breach.pointer) + " = " +
        (breach.value.is_binary()
             ? "bytes"
             : breach.value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 60)));
    auto body = unpacked(good);
    body[json::json_pointer(breach.pointer)] = breach.value;
    const auto got = decode(good.type, packed(body));
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, breach.field);
    EXPECT_THAT(got.error().message, HasSubstr(breach.field));
  }
}

json repeated(std::size_t count, const json& item) { return json(std::vector<json>(count, item)); }

TEST(Frames, ChecksEveryFieldOfAGenerate) {
  const auto good = encode(Request(Generate{1, full_chat_request()}));
  const json bad_text = "\xff";
  const json message = unpacked(good)["request"]["prompt"]["messages"][1];
  const json tool = unpacked(good)["request"]["prompt"]["tools"][0];
  const json bias{{"token", 1}, {"bias", 1}};
  const double nan = NAN;
  expect_refused(
      good,
      {
          {"/id", -1, "id"},
          {"/id", 1.0, "id"},
          {"/id", nullptr, "id"},
          {"/request", 5, "request"},
          {"/request/prompt", nullptr, "request.prompt"},
          {"/request/prompt/text", 5, "request.prompt.text"},
          {"/request/prompt/tokens", {-1}, "request.prompt.tokens[0]"},
          {"/request/prompt/tokens", {2'147'483'648u}, "request.prompt.tokens[0]"},
          {"/request/prompt/seen/tokens", {-1}, "request.prompt.seen.tokens[0]"},
          {"/request/prompt/seen/messages", 0, "request.prompt.seen.messages"},
          {"/request/prompt/seen/messages", 2, "request.prompt.seen.messages"},
          {"/request/prompt/seen/messages", 5, "request.prompt.seen.messages"},
          {"/request/prompt/tail", bad_text, "request.prompt.tail"},
          {"/request/prompt/tools/0/outline", bad_text, "request.prompt.tools[0].outline"},
          {"/request/trace", 1, "request.trace"},
          {"/request/day", -1, "request.day"},
          {"/request/day", chat::kDayMax + 1, "request.day"},
          {"/request/prompt/messages", json::array(), "request.prompt.messages"},
          {"/request/prompt/messages", repeated(chat::kMessagesMax + 1, message),
           "request.prompt.messages"},
          {"/request/prompt/messages/0/role", 4, "request.prompt.messages[0].role"},
          {"/request/prompt/messages/0/content", nullptr, "request.prompt.messages[0].content"},
          {"/request/prompt/messages/0/content", bad_text, "request.prompt.messages[0].content"},
          {"/request/prompt/messages/0/name", bad_text, "request.prompt.messages[0].name"},
          {"/request/prompt/messages/2/reasoning", 1, "request.prompt.messages[2].reasoning"},
          {"/request/prompt/messages/0/tool_call_id", "x",
           "request.prompt.messages[0].tool_call_id"},
          {"/request/prompt/messages/2/role", 1, "request.prompt.messages[2].tool_calls"},
          {"/request/prompt/messages/2/tool_calls", repeated(129, {}),
           "request.prompt.messages[2].tool_calls"},
          {"/request/prompt/messages/2/tool_calls/1/name", "a b",
           "request.prompt.messages[2].tool_calls[1].name"},
          {"/request/prompt/messages/2/tool_calls/1/arguments", bad_text,
           "request.prompt.messages[2].tool_calls[1].arguments"},
          {"/request/prompt/tools", json::array(), "request.prompt.tools"},
          {"/request/prompt/tools", repeated(chat::kToolsMax + 1, tool), "request.prompt.tools"},
          {"/request/prompt/tools/0/name", "", "request.prompt.tools[0].name"},
          {"/request/prompt/tools/0/name", std::string(65, 'a'), "request.prompt.tools[0].name"},
          {"/request/prompt/tools/0/parameters", std::string(chat::kSchemaBytesMax + 1, ' '),
           "request.prompt.tools[0].parameters"},
          {"/request/prompt/tool_choice", 4, "request.prompt.tool_choice"},
          {"/request/prompt/tool_name", "other", "request.prompt.tool_name"},
          {"/request/prompt/parallel_tool_calls", 1, "request.prompt.parallel_tool_calls"},
          {"/request/sampling/temperature", 2.01, "request.sampling.temperature"},
          {"/request/sampling/temperature", -0.01, "request.sampling.temperature"},
          {"/request/sampling/temperature", nan, "request.sampling.temperature"},
          {"/request/sampling/temperature", INFINITY, "request.sampling.temperature"},
          {"/request/sampling/temperature", nullptr, "request.sampling.temperature"},
          {"/request/sampling/top_k", -1, "request.sampling.top_k"},
          {"/request/sampling/top_k", 2'147'483'648u, "request.sampling.top_k"},
          {"/request/sampling/top_p", 0, "request.sampling.top_p"},
          {"/request/sampling/top_p", 1e-60, "request.sampling.top_p"},
          {"/request/sampling/top_p", 1.01, "request.sampling.top_p"},
          {"/request/sampling/min_p", -0.1, "request.sampling.min_p"},
          {"/request/sampling/typical_p", 0, "request.sampling.typical_p"},
          {"/request/sampling/repeat_penalty", 0, "request.sampling.repeat_penalty"},
          {"/request/sampling/repeat_last_n", -2, "request.sampling.repeat_last_n"},
          {"/request/sampling/presence_penalty", 2.1, "request.sampling.presence_penalty"},
          {"/request/sampling/frequency_penalty", -2.1, "request.sampling.frequency_penalty"},
          {"/request/sampling/seed", 4'294'967'296u, "request.sampling.seed"},
          {"/request/sampling/logit_bias", repeated(chat::kLogitBiasMax + 1, bias),
           "request.sampling.logit_bias"},
          {"/request/sampling/logit_bias/1/token", -1, "request.sampling.logit_bias[1].token"},
          {"/request/sampling/logit_bias/1/bias", 100.1, "request.sampling.logit_bias[1].bias"},
          {"/request/format/kind", 4, "request.format.kind"},
          {"/request/format/source", std::string(chat::kSchemaBytesMax + 1, ' '),
           "request.format.source"},
          {"/request/tokens_max", -1, "request.tokens_max"},
          {"/request/stop", repeated(chat::kStopMax + 1, "x"), "request.stop"},
          {"/request/stop/0", "", "request.stop[0]"},
          {"/request/stop/1", std::string(chat::kStopBytesMax + 1, 'x'), "request.stop[1]"},
          {"/request/stop/1", 7, "request.stop[1]"},
          {"/request/top_logprobs", chat::kTopLogprobsMax + 1, "request.top_logprobs"},
          {"/request/cache_prompt", nullptr, "request.cache_prompt"},
          {"/request/ignore_eos", "yes", "request.ignore_eos"},
          {"/request/deterministic", 1, "request.deterministic"},
          {"/request/cache", 5, "request.cache"},
          {"/request/cache/key", "", "request.cache.key"},
          {"/request/cache/key", bad_text, "request.cache.key"},
          {"/request/cache/key", std::string(chat::kCacheKeyBytesMax + 1, 'k'),
           "request.cache.key"},
          {"/request/cache/persist", nullptr, "request.cache.persist"},
          {"/request/cache/pin", 1, "request.cache.pin"},
          {"/request/cache/before_seed", nullptr, "request.cache.before_seed"},
          {"/request/cache/border", 0, "request.cache.border"},
          {"/request/cache/border", 5, "request.cache.border"},
          {"/request/lookup", 1, "request.lookup"},
          {"/request/forced_tokens", nullptr, "request.forced_tokens"},
          {"/request/account", -1, "request.account"},
          {"/request/account", "me", "request.account"},
      },
      decode_request);
}

TEST(Frames, AcceptsAGenerateAtEveryBound) {
  auto body = unpacked(encode(Request(Generate{1, full_chat_request()})));
  auto& request = body["request"];
  request["prompt"]["messages"] = repeated(chat::kMessagesMax, request["prompt"]["messages"][1]);
  request["prompt"]["messages"][2] = unpacked(
      encode(Request(Generate{1, full_chat_request()})))["request"]["prompt"]["messages"][2];
  request["prompt"]["tools"] = repeated(chat::kToolsMax, request["prompt"]["tools"][0]);
  request["prompt"]["tools"][1]["name"] = std::string(64, 'a');
  request["prompt"]["tools"][0]["parameters"] = std::string(chat::kSchemaBytesMax, ' ');
  request["sampling"]["temperature"] = 2;
  request["sampling"]["top_p"] = 1;
  request["sampling"]["logit_bias"] = repeated(chat::kLogitBiasMax, {{"token", 1}, {"bias", -100}});
  request["format"] = {{"kind", 3}, {"source", std::string(chat::kGrammarBytesMax, ' ')}};
  request["stop"] = repeated(chat::kStopMax, std::string(chat::kStopBytesMax, 'x'));
  request["cache"]["key"] = std::string(chat::kCacheKeyBytesMax, 'k');
  request["cache"]["border"] = chat::kMessagesMax;
  const auto got = decode_request(2, packed(body));
  EXPECT_TRUE(got.ok()) << got.error().message;
}

TEST(Frames, OnlyConversationsHaveACacheBorder) {
  expect_refused(encode(Request(Generate{
                     1, {.prompt = chat::PlainText{"x"}, .cache = {.key = "k", .persist = true}}})),
                 {{"/request/cache/border", 1, "request.cache.border"}}, decode_request);
}

TEST(Frames, ChecksEveryFieldOfTheOtherRequests) {
  const json bad_text = "\xff";
  const auto bytes = [](std::string text) { return json::binary({text.begin(), text.end()}); };
  expect_refused(encode(Request(Load{})),
                 {{"/path", "text", "path"},
                  {"/path", bytes(std::string(4097, 'a')), "path"},
                  {"/path", bytes(std::string("a\0b", 3)), "path"},
                  {"/options", nullptr, "options"},
                  {"/options/slots", 0, "options.slots"},
                  {"/options/slots", 17, "options.slots"},
                  {"/options/context_tokens", (1 << 24) + 1, "options.context_tokens"},
                  {"/options/threads", 513, "options.threads"},
                  {"/options/prefill_chunk_tokens", 15, "options.prefill_chunk_tokens"},
                  {"/options/prefill_chunk_tokens", 513, "options.prefill_chunk_tokens"},
                  {"/options/gpu_layers", -1, "options.gpu_layers"},
                  {"/options/kv_type", 3, "options.kv_type"},
                  {"/options/embeddings", nullptr, "options.embeddings"},
                  {"/options/deterministic", nullptr, "options.deterministic"},
                  {"/options/core_board", "text", "options.core_board"},
                  {"/options/core_board", json::binary({'a', 0}), "options.core_board"},
                  {"/snapshots", 1, "snapshots"},
                  {"/snapshots/directory", bytes(std::string(4097, 'a')), "snapshots.directory"},
                  {"/snapshots/bytes_max", -1, "snapshots.bytes_max"}},
                 decode_request);
  expect_refused(encode(Request(Embed{1, {"x"}})),
                 {{"/inputs", json::array(), "inputs"},
                  {"/inputs", repeated(kEmbedInputsMax + 1, "x"), "inputs"},
                  {"/inputs/0", bad_text, "inputs[0]"},
                  {"/inputs/0", {-1}, "inputs[0][0]"}},
                 decode_request);
  expect_refused(encode(Request(Tokenize{1, "x", true, true})),
                 {{"/text", bad_text, "text"},
                  {"/add_special", 1, "add_special"},
                  {"/parse_special", nullptr, "parse_special"}},
                 decode_request);
  expect_refused(encode(Request(Detokenize{1, {1}})), {{"/tokens/0", 1.5, "tokens[0]"}},
                 decode_request);
  expect_refused(encode(Request(Cancel{1})), {{"/id", "1", "id"}}, decode_request);
  expect_refused(encode(Request(Stats{1})), {{"/id", -5, "id"}}, decode_request);
  expect_refused(encode(Request(Identify{std::string(64, 'a')})),
                 {{"/fingerprint", std::string(63, 'a'), "fingerprint"},
                  {"/fingerprint", std::string(64, 'A'), "fingerprint"}},
                 decode_request);
}

TEST(Frames, ChecksEveryFieldOfReplies) {
  const json bad_text = "\xff";
  const auto bytes = [](std::size_t count, std::uint8_t byte) {
    return json::binary(std::vector<std::uint8_t>(count, byte));
  };
  expect_refused(encode(Reply(LoadProgress{0})),
                 {{"/fraction", 1.1, "fraction"}, {"/fraction", NAN, "fraction"}}, decode_reply);
  expect_refused(
      encode(Reply(Loaded{{}, 1, 1, 1, KvType::F16, true, true})),
      {{"/facts", 1, "facts"},
       {"/facts/name", bad_text, "facts.name"},
       {"/facts/chat_template", std::string(1024 * 1024 + 1, 'x'), "facts.chat_template"},
       {"/facts/size_bytes", -1, "facts.size_bytes"},
       {"/facts/layers", 1.5, "facts.layers"},
       {"/facts/fingerprint", "abc", "facts.fingerprint"},
       {"/facts/fingerprint", std::string(64, 'g'), "facts.fingerprint"},
       {"/context_tokens", 0, "context_tokens"},
       {"/slots", 0, "slots"},
       {"/slots", 17, "slots"},
       {"/threads", 0, "threads"},
       {"/kv_type", 0, "kv_type"},
       {"/can_embed", 1, "can_embed"},
       {"/batch_invariant", nullptr, "batch_invariant"},
       {"/numerics", bad_text, "numerics"},
       {"/numerics", std::string(kNumericsBytesMax + 1, 'x'), "numerics"}},
      decode_reply);
  expect_refused(encode(Reply(LoadFailed{{Code::Corrupt, "x"}})),
                 {{"/error", nullptr, "error"},
                  {"/error/code", 10, "error.code"},
                  {"/error/message", bad_text, "error.message"}},
                 decode_reply);
  expect_refused(
      encode(Reply(GenerateEvent{1, chat::Started{5, 5, 1}})),
      {{"/started", nullptr, "failed"},  // no event at all
       {"/started/cached_tokens", 6, "started.cached_tokens"},
       {"/started/deterministic", 1, "started.deterministic"},
       {"/started/loosened", "x", "started.loosened"},
       {"/started/loosened", json::array({1}), "started.loosened"},
       {"/started/loosened", json::array({std::string(chat::kLoosenedBytesMax + 1, 'x')}),
        "started.loosened"},
       {"/started/loosened", std::vector<std::string>(chat::kLoosenedMax + 1, "x"),
        "started.loosened"}},
      decode_reply);
  const chat::Delta delta{
      .content = "x", .tool_calls = {{}}, .logprobs = {{.chosen = {1, "x", -1}}}};
  const json logprob = unpacked(encode(Reply(GenerateEvent{1, delta})))["delta"]["logprobs"][0];
  expect_refused(encode(Reply(GenerateEvent{1, delta})),
                 {{"/delta/content", bad_text, "delta.content"},
                  {"/delta/tool_calls/0/index", -1, "delta.tool_calls[0].index"},
                  {"/delta/logprobs/0/token", -1, "delta.logprobs[0].token"},
                  {"/delta/logprobs/0/bytes", "x", "delta.logprobs[0].bytes"},
                  {"/delta/logprobs/0/logprob", 0.1, "delta.logprobs[0].logprob"},
                  {"/delta/logprobs/0/top", repeated(21, logprob), "delta.logprobs[0].top"}},
                 decode_reply);
  expect_refused(encode(Reply(GenerateEvent{1, chat::Finished{.usage = {5, 5, 5}}})),
                 {{"/finished/reason", 3, "finished.reason"},
                  {"/finished/cached_tokens", 6, "finished.cached_tokens"},
                  {"/finished/prompt_ms", -1, "finished.prompt_ms"},
                  {"/finished/queued_ms", INFINITY, "finished.queued_ms"},
                  {"/finished/accepted_tokens", 1, "finished.accepted_tokens"}},
                 decode_reply);
  expect_refused(encode(Reply(Embedded{1, {{1, 2}, {3, 4}}, 2})),
                 {{"/vectors", repeated(kEmbedInputsMax + 1, bytes(4, 0)), "vectors"},
                  {"/vectors/0", {1, 2}, "vectors[0]"},
                  {"/vectors/0", bytes(0, 0), "vectors[0]"},
                  {"/vectors/0", bytes(7, 0), "vectors[0]"},
                  {"/vectors/1", bytes(4, 0), "vectors[1]"},
                  {"/vectors/1", bytes(8, 0xff), "vectors[1]"}},
                 decode_reply);
  expect_refused(encode(Reply(Tokens{1, {1}})), {{"/tokens/0", -1, "tokens[0]"}}, decode_reply);
  expect_refused(encode(Reply(Text{1, "x"})), {{"/text", bad_text, "text"}}, decode_reply);
  expect_refused(encode(Reply(StatsReply{})),
                 {{"/kv_cells", -1, "kv_cells"},
                  {"/cores", 1, "cores"},
                  {"/cores/threads", 513, "cores.threads"},
                  {"/cores/limit", 5, "cores.limit"},
                  {"/cores/engines", 0, "cores.engines"},
                  {"/cores/shares", 1, "cores.shares"},
                  {"/cores/neighbour_cores", -0.1, "cores.neighbour_cores"}},
                 decode_reply);
  expect_refused(encode(Reply(RequestFailed{1, {}})), {{"/error/code", -1, "error.code"}},
                 decode_reply);
  expect_refused(encode(Reply(SnapshotStats{})),
                 {{"/saved", -1, "saved"}, {"/bytes", nullptr, "bytes"}}, decode_reply);
}

}  // namespace
}  // namespace hearth::engine
