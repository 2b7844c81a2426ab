#include <gtest/gtest.h>

#include "chat/generation.h"
#include "chat/message.h"
#include "chat/message_json.h"

namespace hearth::chat {
namespace {

TEST(RoleName, IsTheApisWord) {
  EXPECT_STREQ(role_name(Role::System), "system");
  EXPECT_STREQ(role_name(Role::User), "user");
  EXPECT_STREQ(role_name(Role::Assistant), "assistant");
  EXPECT_STREQ(role_name(Role::Tool), "tool");
}

TEST(FinishReasonName, IsTheApisWord) {
  EXPECT_STREQ(finish_reason_name(FinishReason::Stop), "stop");
  EXPECT_STREQ(finish_reason_name(FinishReason::Length), "length");
  EXPECT_STREQ(finish_reason_name(FinishReason::ToolCalls), "tool_calls");
}

TEST(Sampling, DefaultsChangeNothing) {
  const Sampling neutral;
  EXPECT_EQ(neutral.temperature, 1.0f);
  EXPECT_EQ(neutral.top_k, 0);
  EXPECT_EQ(neutral.top_p, 1.0f);
  EXPECT_EQ(neutral.min_p, 0.0f);
  EXPECT_EQ(neutral.typical_p, 1.0f);
  EXPECT_EQ(neutral.repeat_penalty, 1.0f);
  EXPECT_EQ(neutral.presence_penalty, 0.0f);
  EXPECT_EQ(neutral.frequency_penalty, 0.0f);
  EXPECT_FALSE(neutral.seed.has_value());
  EXPECT_TRUE(neutral.logit_bias.empty());
}

TEST(Chat, WhatDeltasSayBecomesOneMessage) {
  Message said{.role = Role::Assistant, .content = {}};
  EXPECT_TRUE(absorb(said, {.content = "a", .reasoning = "x", .tool_calls = {{0, "1", "f", ""}}}));
  EXPECT_TRUE(
      absorb(said, {.content = "b", .tool_calls = {{0, "", "", "{"}, {1, "2", "g", "{}"}}}));
  EXPECT_TRUE(absorb(said, {.reasoning = "y", .tool_calls = {{0, "", "", "}"}}}));
  EXPECT_EQ(said.content, "ab");
  EXPECT_EQ(said.reasoning, "xy");
  ASSERT_EQ(said.tool_calls.size(), 2u);
  EXPECT_EQ(said.tool_calls[0].arguments, "{}");
  EXPECT_EQ(said.tool_calls[1].name, "g");
  EXPECT_FALSE(absorb(said, {.tool_calls = {{3, "4", "h", ""}}}));
  EXPECT_EQ(said.tool_calls.size(), 2u);
}

TEST(CheckImage, TakesItsBoundsAndNothingBeyond) {
  const std::string most(kImageDataBytesMax, 'A'), url = "https://" + std::string(2'040, 'x');
  struct Case {
    const char* name;
    Image image;
    const char* problem;  // empty: none
  };
  const Case kCases[] = {
      {"base64", {.media_type = "image/png", .data = "AAAA"}, ""},
      {"padded", {.media_type = "image/webp", .data = "AA=="}, ""},
      {"the most", {.media_type = "image/gif", .data = most}, ""},
      {"a byte more", {.media_type = "image/gif", .data = most + "AAAA"}, "at most 7340032 bytes"},
      {"no padding", {.media_type = "image/jpeg", .data = "AAA"}, "base64"},
      {"three pads", {.media_type = "image/jpeg", .data = "A==="}, "base64"},
      {"web alphabet", {.media_type = "image/jpeg", .data = "AA-_"}, "base64"},
      {"nothing", {.media_type = "image/jpeg", .data = ""}, "base64"},
      {"a document", {.media_type = "application/pdf", .data = "AAAA"}, "must be image/png"},
      {"link", {.url = "http://example.org/a.png"}, ""},
      {"longest link", {.url = url}, ""},
      {"longer link", {.url = url + "x"}, "at most 2048 bytes"},
      {"a file", {.url = "file:///etc/passwd"}, "begins with https://"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto got = check_image(c.image, "messages[0].content[1]");
    ASSERT_EQ(got.ok(), c.problem[0] == 0);
    if (got.ok()) continue;
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_EQ(got.error().field, "messages[0].content[1]");
    EXPECT_NE(got.error().message.find(c.problem), std::string::npos) << got.error().message;
  }
}

TEST(MessageText, KeepsImagesAndFailures) {
  Message message{.role = Role::Tool, .content = "ab", .tool_call_id = "1"};
  EXPECT_EQ(message_text(message), R"({"tool_call_id":"1","role":"tool","content":"ab"})");
  message.is_error = true;
  message.images = {{.media_type = "image/png", .data = "AAAA", .at = 1},
                    {.url = "https://example.org/a.png", .at = 2}};
  const auto got = message_of(message_text(message));
  ASSERT_TRUE(got.ok());
  EXPECT_TRUE(got.value().is_error);
  EXPECT_EQ(got.value().images, message.images);
  EXPECT_TRUE(message_of(R"({"role":"user","content":"","images":[1,{"at":-1}]})").ok());
}

}  // namespace
}  // namespace hearth::chat
