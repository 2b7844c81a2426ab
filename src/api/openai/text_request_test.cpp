#include "api/openai/text_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::api {
namespace {

using json = nlohmann::ordered_json;
using ::testing::HasSubstr;

constexpr std::uint32_t kVocabulary = 100;

struct Refused {
  const char* body;
  const char* field;
  const char* message;
};

template <class T>
void expect_refused(const Refused& c, const Result<T>& got) {
  SCOPED_TRACE(c.body);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code, Code::InvalidInput);
  EXPECT_EQ(got.error().field, c.field);
  EXPECT_THAT(got.error().message, HasSubstr(c.message));
}

TEST(CompletionRequest, TakesFourShapesOfPrompt) {
  struct Case {
    const char* prompt;
    std::vector<TextOrTokens> want;
  };
  using Tokens = std::vector<chat::Token>;
  const Case kCases[] = {
      {R"("a")", {"a"}},
      {R"("")", {""}},
      {R"(["a","b"])", {"a", "b"}},
      {"[0,99]", {Tokens{0, 99}}},
      {"[[1],[2,3]]", {Tokens{1}, Tokens{2, 3}}},
      {R"(["a",[2]])", {"a", Tokens{2}}},
  };
  for (const Case& c : kCases) {
    const auto got = parse_completion_request(
        json::parse(std::string(R"({"prompt":)") + c.prompt + "}"), kVocabulary);
    ASSERT_TRUE(got.ok()) << c.prompt << got.error().message;
    EXPECT_EQ(got.value().prompts, c.want) << c.prompt;
  }
}

TEST(CompletionRequest, RefusesWhatItCannotDo) {
  const Refused kCases[] = {
      {R"({})", "prompt", "is required"},
      {R"({"prompt":[]})", "prompt", "empty array"},
      {R"({"prompt":5})", "prompt", "a string, an array"},
      {R"({"prompt":[100]})", "prompt[0]", "0 to 99"},
      {R"({"prompt":[-1]})", "prompt[0]", "not a token"},
      {R"({"prompt":[1.5]})", "prompt[0]", "whole number"},
      {R"({"prompt":[18446744073709551615]})", "prompt[0]", "not a token"},
      {R"({"prompt":[1,"a"]})", "prompt[1]", "whole number"},
      {R"({"prompt":[[]]})", "prompt[0]", "must not be empty"},
      {R"({"prompt":["a",{}]})", "prompt[1]", "a string or an array of tokens"},
      {R"({"prompt":"a","suffix":"b"})", "suffix", "not supported"},
      {R"({"prompt":"a","best_of":2})", "best_of", "unless it equals n"},
      {R"({"prompt":"a","echo":true,"logprobs":1})", "echo", "logprobs"},
      {R"({"prompt":"a","logprobs":true})", "logprobs", "whole number from 0 to 20"},
      {R"({"prompt":"a","max_tokens":0})", "max_tokens", "from 1"},
      {R"({"prompt":["a","a","a","a","a"],"n":8})", "n", "above 32"},
      {R"({"prompt":"a","cache":{"border":1}})", "cache.border", "only a conversation"},
      {R"({"prompt":"a","cache":{"key":""}})", "cache.key", "must not be empty"},
  };
  for (const Refused& c : kCases)
    expect_refused(c, parse_completion_request(json::parse(c.body), kVocabulary));
}

TEST(CompletionRequest, AcceptsBestOfN) {
  const auto got =
      parse_completion_request(json::parse(R"({"prompt":"a","n":2,"best_of":2,"suffix":""})"), 0);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().delivery.choices, 2u);
}

TEST(EmbeddingRequest, Table) {
  const Refused kCases[] = {
      {R"({})", "input", "is required"},
      {R"({"input":""})", "input", "must not be empty"},
      {R"({"input":["a",""]})", "input[1]", "must not be empty"},
      {R"({"input":[]})", "input", "empty array"},
      {R"({"input":[[100]]})", "input[0][0]", "0 to 99"},
      {R"({"input":"a","encoding_format":"hex"})", "encoding_format", "float or base64"},
      {R"({"input":"a","dimensions":9})", "dimensions", "gives 8"},
      {R"({"input":"a","dimensions":0})", "dimensions", "from 1"},
  };
  for (const Refused& c : kCases)
    expect_refused(c, parse_embedding_request(json::parse(c.body), kVocabulary, 8));
  const auto got = parse_embedding_request(
      json::parse(R"({"input":["a",[1,2]],"dimensions":8,"encoding_format":"base64"})"),
      kVocabulary, 8);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().inputs.size(), 2u);
  EXPECT_TRUE(got.value().base64);
}

TEST(EmbeddingRequest, BoundsItsInputs) {
  json body = {{"input", std::vector<std::string>(kEmbedInputsMax, "a")}};
  EXPECT_TRUE(parse_embedding_request(body, 0, 0).ok());
  body["input"].push_back("a");
  expect_refused({"one more", "input", "at most 2048"}, parse_embedding_request(body, 0, 0));
}

TEST(TokenizeRequest, Table) {
  const Refused kCases[] = {
      {R"({})", "content", "string is required"},
      {R"({"text":5})", "text", "string is required"},
      {R"({"content":"a","text":"a"})", "text", "not both"},
      {R"({"content":"a","add_special":1})", "add_special", "true or false"},
      {R"({"content":"a","parse_special":1})", "parse_special", "true or false"},
  };
  for (const Refused& c : kCases) expect_refused(c, parse_tokenize_request(json::parse(c.body)));
  const auto got = parse_tokenize_request(json::parse(R"({"text":"a","add_special":true})"));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value().text, "a");
  EXPECT_TRUE(got.value().add_special);
  EXPECT_FALSE(got.value().parse_special);
}

TEST(DetokenizeRequest, Table) {
  const Refused kCases[] = {
      {R"({})", "tokens", "array of tokens"},
      {R"({"tokens":"1"})", "tokens", "array of tokens"},
      {R"({"tokens":[1,100]})", "tokens[1]", "0 to 99"},
  };
  for (const Refused& c : kCases)
    expect_refused(c, parse_detokenize_request(json::parse(c.body), kVocabulary));
  EXPECT_TRUE(parse_detokenize_request(json::parse(R"({"tokens":[]})"), kVocabulary).ok());
}

TEST(Base64Floats, MatchesKnownBytes) {
  struct Case {
    std::vector<float> values;
    const char* want;
  };
  const Case kCases[] = {
      {{}, ""},
      {{1.0f}, "AACAPw=="},             // 00 00 80 3f
      {{1.0f, -2.0f}, "AACAPwAAAMA="},  // 00 00 00 c0
      {{0.0f, 1.0f, -2.0f}, "AAAAAAAAgD8AAADA"},
  };
  for (const Case& c : kCases) EXPECT_EQ(base64_floats(c.values), c.want);
}

}  // namespace
}  // namespace hearth::api
