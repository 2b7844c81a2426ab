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

}  // namespace
}  // namespace hearth::chat
