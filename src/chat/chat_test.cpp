#include <gtest/gtest.h>

#include "chat/generation.h"
#include "chat/message.h"

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

}  // namespace
}  // namespace hearth::chat
