// The two sides of Chat Completions agree: what dialect/openai writes as a client is read here, and
// what is answered here is read there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/errors.h"
#include "api/openai/chat_request.h"
#include "api/openai/form.h"
#include "dialect/openai.h"
#include "dialect/random_talk.h"

namespace hearth::api {
namespace {

using dialect::testing::RandomTalk;
using dialect::testing::shown;
using ::testing::IsEmpty;

/// Its requests ask for what Hearth's face has: no failures but their text.
constexpr dialect::testing::Shape kShape = {
    .errors = false, .temperature_max = 2, .stops_max = chat::kStopMax};

TEST(OpenAiDialect, RequestsAreReadAsTheyWereMeant) {
  const dialect::openai::Options options = dialect::openai::options_of("llama-server");
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    dialect::Ask ask = RandomTalk(seed, kShape).ask();
    ask.request.sampling.top_k = static_cast<std::int32_t>(seed % 3);
    const auto wrote = dialect::openai::write_request(ask, options);
    ASSERT_TRUE(wrote.ok());
    EXPECT_THAT(wrote.value().lost.lines(), IsEmpty());
    const auto got = parse_chat_request(wrote.value().what, 0);
    ASSERT_TRUE(got.ok()) << got.error().message;
    dialect::Ask back{.model = wrote.value().what["model"],
                      .request = got.value().request,
                      .stream = got.value().delivery.stream};
    auto& talk = std::get<chat::Conversation>(ask.request.prompt);
    for (chat::Message& message : talk.messages) message.name.clear();  // known by the call
    EXPECT_EQ(shown(back), shown(ask));
    EXPECT_EQ(got.value().delivery.include_usage, ask.stream);
  }
}

Choice choice_of(const dialect::Answer& answer) {
  Choice choice;
  choice.message = answer.message;
  choice.finished = answer.finished;
  return choice;
}

TEST(OpenAiDialect, AnswersAreReadAsTheyWereMeant) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const dialect::Answer answer = RandomTalk(seed, kShape).answer();
    const auto form = make_chat_form({.id = answer.id, .model = answer.model, .fingerprint = "fp"});
    const auto got = dialect::openai::read_answer(form->whole({choice_of(answer)}), "x");
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_THAT(got.value().lost.lines(), IsEmpty());
    EXPECT_EQ(shown(got.value().what), shown(answer));
  }
}

std::vector<std::string> streamed(const dialect::Answer& answer,
                                  const std::vector<chat::Event>& events) {
  const auto form = make_chat_form(
      {.id = answer.id, .model = answer.model, .fingerprint = "fp", .include_usage = true});
  const Choice choice = choice_of(answer);
  std::vector<std::string> datas = {dump(*form->opening(choice, nullptr))};
  for (const chat::Event& event : events)
    if (const auto* const delta = std::get_if<chat::Delta>(&event))
      datas.push_back(dump(form->chunk(choice, *delta)));
  datas.push_back(dump(form->closing(choice)));
  datas.push_back(dump(form->usage_chunk({choice})));
  datas.emplace_back("[DONE]");
  return datas;
}

TEST(OpenAiDialect, StreamsAreReadAsTheyWereMeant) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomTalk random(seed, kShape);
    const dialect::Answer answer = random.answer();
    const auto reader = dialect::openai::make_stream_reader("x");
    const auto told =
        dialect::testing::read_stream(*reader, streamed(answer, random.events(answer)));
    ASSERT_FALSE(told.failed) << told.failed->message;
    EXPECT_EQ(shown(told.answer), shown(answer));
  }
}

TEST(OpenAiDialect, ErrorsKeepWhatToDoNext) {
  for (const Code code : {Code::InvalidInput, Code::NotFound, Code::Denied, Code::TooLarge,
                          Code::Busy, Code::Timeout, Code::Unavailable}) {
    SCOPED_TRACE(code_name(code));
    const HttpError error = http_error({code, "because", {}});
    EXPECT_EQ(dialect::openai::read_error(error.status, envelope(error)).code, code);
  }
  const HttpError longer = model_error({Code::TooLarge, "too long", {}}, "messages");
  EXPECT_EQ(dialect::openai::read_error(longer.status, envelope(longer)).code, Code::TooLarge);
}

}  // namespace
}  // namespace hearth::api
