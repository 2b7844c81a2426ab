#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bounded_queue.h"
#include "base/fields.h"
#include "model/local/notes.h"
#include "model/remote.h"
#include "model/remote/wire.h"
#include "net/server.h"

namespace hearth::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A provider's server whose answers the test gives itself.
class Elsewhere {
 public:
  struct Arrival {
    net::Request request{};
    std::shared_ptr<net::Exchange> exchange{};
    Json body() const { return Json::parse(request.body); }
    void stream(std::initializer_list<const char*> datas) const {
      exchange->begin(200, {{"Content-Type", "text/event-stream"}});
      for (const char* const data : datas) exchange->write("data: " + std::string(data) + "\n\n");
    }
    void refuse(int status, const std::string& retry_after = "") const {
      net::Headers headers;
      if (!retry_after.empty()) headers.emplace_back("Retry-After", retry_after);
      exchange->respond({status, R"({"error":{"message":"not now"}})", headers});
    }
  };

  Elsewhere() {
    server_ = net::Server::start({}, [this](const net::Request& request,
                                            std::shared_ptr<net::Exchange> exchange) {
                static_cast<void>(arrived_.try_push({request, std::move(exchange)}));
              }).value();
  }
  ~Elsewhere() { arrived_.close(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  Arrival next() {
    auto arrival = arrived_.pop(soon());
    return arrival.ok() && arrival.value() ? *std::move(arrival).value() : Arrival{};
  }
  std::size_t waiting() const { return arrived_.size(); }

 private:
  BoundedQueue<Arrival> arrived_{64};
  std::unique_ptr<net::Server> server_{};
};

constexpr const char* kHello =
    R"({"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Hello"}}]})";
constexpr const char* kStop = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
constexpr const char* kUsage =
    R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3}})";

class ProviderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Provider> open(ProviderOptions options = {}) {
    options.name = "acme";
    if (options.kind.empty()) options.kind = "compatible";
    if (options.url.empty()) options.url = elsewhere_.url();
    options.key = vault::Secret("sk-1");
    options.retry_wait_first = Millis(1);
    return Provider::open(std::move(options), *client_, time_, metrics_).value();
  }
  static chat::Request question(const std::string& text = "hi") {
    chat::Conversation talk;
    talk.messages.push_back({.role = chat::Role::User, .content = text});
    return {.prompt = std::move(talk)};
  }
  static std::string text_of(const std::vector<chat::Event>& events) {
    chat::Message message;
    for (const chat::Event& event : events)
      if (const auto* delta = std::get_if<chat::Delta>(&event)) chat::absorb(message, *delta);
    return message.content;
  }

  SystemTime time_{};
  metrics::Registry metrics_{};
  Elsewhere elsewhere_{};
  std::unique_ptr<net::Client> client_ = net::Client::open({}).value();
  std::shared_ptr<Notes> notes_ = std::make_shared<Notes>();
};

TEST_F(ProviderTest, AQuestionIsSentAndItsAnswerComesAsEvents) {
  const auto provider = open();
  Model& model = *provider->model("big/model-1");
  EXPECT_EQ(model.name(), "acme/big/model-1");
  EXPECT_FALSE(model.is_local());
  chat::Request asked = question();
  asked.sampling.typical_p = 0.5f;  // nobody else knows that
  const auto generation = model.start(asked, notes_).value();
  const auto arrival = elsewhere_.next();
  EXPECT_EQ(arrival.request.target, "/v1/chat/completions");
  EXPECT_EQ(*arrival.request.header("authorization"), "Bearer sk-1");
  EXPECT_EQ(arrival.body()["model"], "big/model-1");
  EXPECT_EQ(arrival.body()["max_tokens"], 4'096);
  arrival.stream({kHello, kHello, kStop, kUsage, "[DONE]"});
  arrival.exchange->end();
  const auto events = notes_->wait_for(4);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_THAT(std::get<chat::Started>(events[0]).loosened, ElementsAre(HasSubstr("typical_p")));
  EXPECT_EQ(text_of(events), "HelloHello");
  const auto& finished = std::get<chat::Finished>(events[3]);
  EXPECT_EQ(finished.usage.prompt_tokens, 12u);
  EXPECT_EQ(finished.usage.completion_tokens, 3u);
  EXPECT_EQ(provider->model("big/model-1"), &model);
}

TEST_F(ProviderTest, WhatWasTooBusyIsAskedAgainOnlyWhereThatMayHelp) {
  struct Row {
    int status;
    const char* retry_after;
    bool another_waits;
    std::size_t asked;  // times, retries_max being 2
    Code code;
  };
  const Row kRows[] = {
      {503, "", false, 3, Code::Unavailable}, {429, "0", false, 3, Code::Busy},
      {408, "", false, 3, Code::Timeout},     {500, "", true, 1, Code::Unavailable},
      {429, "31", false, 1, Code::Busy},      {400, "", false, 1, Code::InvalidInput},
      {401, "", false, 1, Code::Denied},      {404, "", false, 1, Code::NotFound}};
  const auto provider = open();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.status);
    const auto notes = std::make_shared<Notes>();
    chat::Request asked = question();
    asked.another_waits = row.another_waits;
    const auto generation = provider->model("m")->start(asked, notes).value();
    for (std::size_t i = 0; i < row.asked; ++i)
      elsewhere_.next().refuse(row.status, row.retry_after);
    const Error error = notes->wait_for_failure();
    EXPECT_EQ(error.code, row.code);
    EXPECT_THAT(error.message, ::testing::StartsWith("acme: "));
    EXPECT_THAT(error.message, ::testing::Not(HasSubstr("sk-1")));
    EXPECT_FALSE(std::get<chat::Failed>(notes->wait_for(1).back()).charged);
    EXPECT_EQ(elsewhere_.waiting(), 0u);
  }
}

TEST_F(ProviderTest, AnAnswerThatBrokeOffIsNotAskedForAgainAndIsCharged) {
  const auto provider = open();
  const auto generation = provider->model("m")->start(question(), notes_).value();
  auto arrival = elsewhere_.next();
  arrival.stream({kHello});
  notes_->wait_for(2);
  arrival.exchange.reset();  // cut
  EXPECT_EQ(notes_->wait_for_failure().code, Code::Unavailable);
  const auto charged = std::get<chat::Failed>(notes_->wait_for(3).back()).charged;
  ASSERT_TRUE(charged);
  EXPECT_EQ(charged->prompt_tokens, 0u);  // nobody has said
  EXPECT_EQ(charged->completion_tokens, 2u);
  EXPECT_EQ(elsewhere_.waiting(), 0u);
}

TEST_F(ProviderTest, WhoLeavesEndsTheAnswerThere) {
  const auto provider = open();
  auto generation = provider->model("m")->start(question(), notes_).value();
  auto arrival = elsewhere_.next();
  std::promise<void> gone;
  const std::stop_callback on_stop(arrival.exchange->stop(), [&gone] { gone.set_value(); });
  generation->cancel();
  const auto last = std::get<chat::Failed>(notes_->wait_for(1).back());
  EXPECT_EQ(last.error.code, Code::Cancelled);
  EXPECT_TRUE(last.charged);  // it was sent
  EXPECT_EQ(gone.get_future().wait_for(Millis(20'000)), std::future_status::ready);
  generation.reset();
  EXPECT_EQ(notes_->wait_for(1).size(), 1u);
}

TEST_F(ProviderTest, ItIsSilentAfterItsGenerationAndMayGoFirst) {
  auto provider = open();
  auto waiting = provider->model("m")->start(question(), notes_).value();
  const auto arrival = elsewhere_.next();
  provider.reset();
  arrival.stream({kHello, kStop, "[DONE]"});
  arrival.exchange->end();
  EXPECT_EQ(text_of(notes_->wait_for(3)), "Hello");
  // One that waits for its next attempt fails when the provider goes.
  auto other = open();
  const auto notes = std::make_shared<Notes>();
  auto again = other->model("m")->start(question(), notes).value();
  const auto refused = elsewhere_.next();
  other.reset();
  refused.refuse(503);
  EXPECT_EQ(notes->wait_for_failure().code, Code::Unavailable);
}

TEST_F(ProviderTest, ItTakesAsManyAsItMay) {
  const auto provider = open({.requests_max = 2});
  Model& model = *provider->model("m");
  auto first = model.start(question(), std::make_shared<Notes>()).value();
  const auto second = model.start(question(), std::make_shared<Notes>()).value();
  const auto third = model.start(question(), notes_);
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, Code::Busy);
  EXPECT_THAT(third.error().message, HasSubstr("provider.requests_max"));
  first.reset();
  EXPECT_TRUE(model.start(question(), notes_).ok());
}

TEST_F(ProviderTest, WhatItCannotIsRefusedBeforeItIsSent) {
  const auto provider = open({.context_tokens = 9'000});
  Model& model = *provider->model("m");
  chat::Request promised = question();
  promised.deterministic = true;
  EXPECT_EQ(model.start(promised, notes_).error().field, "deterministic");
  EXPECT_EQ(model.start({.prompt = chat::PlainText{"x"}}, notes_).error().field, "prompt");
  EXPECT_EQ(model.embed(soon(), {}).error().code, Code::InvalidInput);
  EXPECT_EQ(model.tokenize(soon(), "x", false, false).error().code, Code::InvalidInput);
  EXPECT_EQ(model.detokenize(soon(), {}).error().code, Code::InvalidInput);
  EXPECT_EQ(model.load().error().code, Code::InvalidInput);
  EXPECT_EQ(model.count_tokens(soon(), "12345").value(), 2u);
  EXPECT_EQ(model.context_tokens(), 9'000u);
  chat::Request counted = question("some words");
  counted.tokens_max = 0;
  const auto generation = model.start(counted, notes_).value();
  EXPECT_GT(std::get<chat::Started>(notes_->wait_for(2)[0]).prompt_tokens, 2u);
  EXPECT_EQ(elsewhere_.waiting(), 0u);
  const std::string longest(Provider::kModelNameBytesMax, 'm');
  EXPECT_TRUE(provider->model(longest));
  for (const std::string& name :
       {longest + "m", std::string(), std::string(".."), std::string("a b")})
    EXPECT_FALSE(provider->model(name)) << name;
  for (std::size_t i = 2; i < Provider::kModelsMax; ++i)
    EXPECT_TRUE(provider->model(std::to_string(i)));
  EXPECT_FALSE(provider->model("one more"));
  EXPECT_FALSE(provider->model("onemore"));
}

TEST_F(ProviderTest, WithoutAKeyItSaysWhatIsMissing) {
  const auto provider = open({.trouble = "no key: set ACME_KEY"});
  Model& model = *provider->model("m");
  EXPECT_EQ(model.state(), State::Failed);
  EXPECT_EQ(model.state_text(), "no key: set ACME_KEY");
  EXPECT_EQ(model.start(question(), notes_).error().message, "acme: no key: set ACME_KEY");
}

TEST_F(ProviderTest, SilenceHasALimit) {
  const auto provider = open({.first_byte_timeout = Millis(30), .token_timeout = Millis(30)});
  auto generation = provider->model("m")->start(question(), notes_).value();
  const auto never = elsewhere_.next();
  EXPECT_EQ(notes_->wait_for_failure().code, Code::Timeout);
  EXPECT_TRUE(std::get<chat::Failed>(notes_->wait_for(1).back()).charged);
  EXPECT_EQ(elsewhere_.waiting(), 0u);  // who was silent once is not asked again
}

TEST(Wire, FindsTheAddress) {
  const std::tuple<const char*, const char*, const char*> kRows[] = {
      {"anthropic", "", "https://api.anthropic.com"},
      {"anthropic", "http://h:1/v1/", "http://h:1"},
      {"openai", "", "https://api.openai.com/v1"},
      {"openai", "http://h:1", "http://h:1/v1"},
      {"openai", "http://h:1/other/v3/", "http://h:1/other/v3"},
      {"compatible", "http://h:1/", "http://h:1/v1"},
      {"gemini", "http://h:1/v1beta", "http://h:1/v1beta"}};
  for (const auto& [kind, url, wanted] : kRows) {
    SCOPED_TRACE(std::string(kind) + " " + url);
    const auto base = remote::base_of(*remote::find_kind(kind), url);
    ASSERT_TRUE(base.ok());
    EXPECT_EQ(base.value().origin() + base.value().target, wanted);
  }
  for (const char* const url : {"", "ftp://h", "http://user:key@h", "http://h/?key=1"})
    EXPECT_EQ(remote::base_of(*remote::find_kind("compatible"), url).error().field, "provider.url")
        << url;
  EXPECT_FALSE(remote::find_kind("other"));
  EXPECT_EQ(remote::make_wire("other").error().field, "provider.kind");
}

TEST(Estimate, IsNeverBelowWhatTokenizersMake) {
  chat::Request request{.prompt = chat::Conversation{}};
  auto& talk = std::get<chat::Conversation>(request.prompt);
  talk.messages.push_back({.role = chat::Role::User, .content = ""});
  const std::uint64_t empty = tokens_at_most(request, 7);
  const std::pair<const char*, std::uint64_t> kRows[] = {
      {"words and words", 8}, {"12345", 5},  {"日本", 6}, {"a", 1},
      {"{\"a\":1}", 7},       {"SHOUTED", 7}};
  for (const auto& [text, wanted] : kRows) {
    talk.messages[0].content = text;
    EXPECT_EQ(tokens_at_most(request, 7) - empty, wanted) << text;
  }
  talk.messages[0].content = "";
  request.format = {chat::OutputFormat::Kind::JsonSchema, std::string(1'000, '{')};
  EXPECT_EQ(tokens_at_most(request, 7) - empty, 1'000u);  // it is sent too
  talk.messages[0].images.resize(2);
  EXPECT_EQ(tokens_at_most(request, 7) - empty, 1'014u);
  EXPECT_EQ(tokens_usually("12345678"), 2u);
  EXPECT_EQ(tokens_usually(""), 0u);
}

}  // namespace
}  // namespace hearth::model
