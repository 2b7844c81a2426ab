#include "agent/answerer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_source.h"
#include "model/fake_model.h"
#include "model/router.h"

namespace hearth::agent {
namespace {

using ::testing::ElementsAre;

class AnswererTest : public ::testing::Test {
 protected:
  static chat::Request asked() {
    return {.prompt =
                chat::Conversation{.messages = {{.role = chat::Role::User, .content = "Hello"}}}};
  }

  SystemTime time_{};
  metrics::Registry metrics_{};
  model::FakeModel small_{{.name = "small"}}, strong_{{.name = "strong"}};
  model::Router router_{{{&small_, model::router::Level::Operational, true},
                         {&strong_, model::router::Level::Strategic, false}},
                        {},
                        time_,
                        metrics_};
  Answerer answerer_{};
};

TEST_F(AnswererTest, ANameThatStandsForAChoiceHasAnother) {
  answerer_.choose(*router_.find("strategic"), asked);
  EXPECT_EQ(answerer_.model(), &strong_);
  chat::Request request;
  answerer_.mark(request);
  EXPECT_TRUE(request.cheaper_waits);
  ASSERT_TRUE(answerer_.choose_another({Code::Unavailable, "down", {}}, asked));
  EXPECT_EQ(answerer_.model(), &small_);
  answerer_.mark(request);
  EXPECT_FALSE(request.another_waits);
  EXPECT_FALSE(request.cheaper_waits);
  EXPECT_THAT(request.route.value_or(chat::Route{}).passed_over, ElementsAre("strong: down"));
  EXPECT_FALSE(answerer_.choose_another({Code::Unavailable, "down too", {}}, asked));
  EXPECT_EQ(answerer_.model(), &small_);  // whose error it is
}

TEST_F(AnswererTest, WhatLiesInTheQuestionIsNotAskedOfAnother) {
  for (const Code code : {Code::InvalidInput, Code::Cancelled}) {
    Answerer answerer;
    answerer.choose(*router_.find("strategic"), asked);
    EXPECT_FALSE(answerer.choose_another({code, "x", {}}, asked));
  }
}

TEST_F(AnswererTest, AModelThatWasNamedIsAlone) {
  answerer_.choose(strong_, asked);
  EXPECT_EQ(answerer_.model(), &strong_);
  EXPECT_FALSE(answerer_.route());
  answerer_.succeeded();
  EXPECT_FALSE(answerer_.choose_another({Code::Unavailable, "down", {}}, asked));
}

}  // namespace
}  // namespace hearth::agent
