#include "model/cashier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "model/fake_model.h"
#include "model/forwarding.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A model that fails as a provider does: with what it charges all the same.
class Charging final : public Forwarding {
 public:
  Charging(Model& model, std::optional<chat::Usage> charged)
      : Forwarding(model), charged_(charged) {}
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override {
    return model_.start(std::move(request), std::make_shared<Sink>(std::move(sink), charged_));
  }

 private:
  class Sink final : public EventSink {
   public:
    Sink(std::shared_ptr<EventSink> sink, std::optional<chat::Usage> charged)
        : sink_(std::move(sink)), charged_(charged) {}
    void on_event(const chat::Event& event) override {
      chat::Event told = event;
      if (auto* const failed = std::get_if<chat::Failed>(&told)) failed->charged = charged_;
      sink_->on_event(told);
    }

   private:
    const std::shared_ptr<EventSink> sink_;
    const std::optional<chat::Usage> charged_;
  };
  const std::optional<chat::Usage> charged_;
};

class CashierTest : public ::testing::Test {
 protected:
  CashierTest() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-cashier-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = store::Store::open(folder_ / "hearth.db").value();
  }
  ~CashierTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  /// Input $1 a million, output $10.
  std::unique_ptr<Cashier> open(std::optional<policy::MicroDollars> day = {}) {
    CashierOptions options;
    options.caps.day = day;
    options.prices.add({.model = "acme/*",
                        .price = {.input = 1'000'000,
                                  .cache_read = 1'000'000,
                                  .cache_write = 1'000'000,
                                  .output = 10'000'000}});
    options.owner_of = [](std::uint64_t account) { return "owner " + std::to_string(account); };
    return std::make_unique<Cashier>(*store_, time_, metrics_, std::move(options));
  }
  static PaidModel what(const std::string& kind = "acme") {
    return {.provider = "acme", .kind = kind, .id = "m", .answer_tokens_max = 100};
  }
  static chat::Request question(const std::string& text, std::uint32_t tokens_max = 100) {
    chat::Conversation talk;
    talk.messages.push_back({.role = chat::Role::User, .content = text});
    return {.prompt = std::move(talk), .tokens_max = tokens_max};
  }
  std::int64_t spent() {
    store::Ledger ledger(*store_, time_);
    return ledger.totals(soon(), {.owner = "owner 0"}, {}).value().month_micro;
  }
  bool settles_at(std::int64_t micro) {
    return eventually([&] { return spent() == micro; });
  }

  SystemTime time_{};
  metrics::Registry metrics_{};
  std::filesystem::path folder_{};
  std::unique_ptr<store::Store> store_{};
  FakeModel fake_{
      {.rules = {{"hello", {.pieces = {"Hi", " there"}}},
                 {"hold", {.pieces = {"x", "y"}, .manual = true}},
                 {"break", {.pieces = {"x"}, .error = Error{Code::Unavailable, "broke"}}}}}};
};

TEST_F(CashierTest, AnAnswerCostsWhatItTook) {
  const auto cashier = open();
  const auto paid = cashier->paid(fake_, what());
  const auto answer = generate(soon(), *paid, question("hello"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value().finished.cost_micro, 5 + 2 * 10);  // five tokens in, two out
  EXPECT_THAT(answer.value().finished.notes, IsEmpty());
  EXPECT_TRUE(settles_at(25));
  EXPECT_EQ(fake_.requests().back().tokens_max, 100u);
}

TEST_F(CashierTest, WhatFailedCostsWhatIsChargedForIt) {
  const auto cashier = open();
  struct Row {
    std::optional<chat::Usage> charged;
    std::int64_t cost;
  };
  const std::uint64_t most = 64 + 16 + 3;  // of a prompt that nobody has counted: "break"
  std::int64_t sum = 0;
  for (const Row& row :
       {Row{{}, 0}, Row{chat::Usage{.prompt_tokens = 7}, 7 + 10},
        Row{chat::Usage{.completion_tokens = 3}, static_cast<std::int64_t>(most) + 30}}) {
    Charging model(fake_, row.charged);
    const auto paid = cashier->paid(model, what());
    EXPECT_EQ(generate(soon(), *paid, question("break")).error().code, Code::Unavailable);
    sum += row.cost;
    EXPECT_TRUE(settles_at(sum)) << spent() << " " << sum;
  }
}

TEST_F(CashierTest, WhoLeavesPaysForWhatWasSaid) {
  const auto cashier = open();
  Charging model(fake_, chat::Usage{.prompt_tokens = 4, .completion_tokens = 1});
  const auto paid = cashier->paid(model, what());
  const auto notes = std::make_shared<Notes>();
  auto held = paid->start(question("hold"), notes).value();
  ASSERT_TRUE(eventually([&] { return fake_.running() == 1; }));
  EXPECT_GT(spent(), 1'000);  // the most that it may cost
  held.reset();
  EXPECT_TRUE(settles_at(14));
  EXPECT_EQ(cashier->standing(soon(), "owner 0").value().running, 0u);
}

TEST_F(CashierTest, ACapHoldsForManyAtOnce) {
  const auto cashier = open(5'000);  // one may cost 1,000 and its prompt: four fit
  const auto paid = cashier->paid(fake_, what());
  std::vector<std::shared_ptr<Notes>> notes;
  std::vector<std::unique_ptr<Generation>> held;
  for (int i = 0; i < 50; ++i) {
    notes.push_back(std::make_shared<Notes>());
    held.push_back(paid->start(question("hold"), notes.back()).value());
  }
  ASSERT_TRUE(eventually([&] { return fake_.running() == 4; }));
  std::size_t refused = 0;
  for (const auto& one : notes) {
    if (fake_.running() + refused == notes.size()) break;
    if (one == notes[0] || one == notes[1] || one == notes[2] || one == notes[3]) continue;
    const Error error = one->wait_for_failure();
    EXPECT_EQ(error.code, Code::Denied);
    EXPECT_EQ(error.field, "budget.day_max");
    ++refused;
  }
  EXPECT_EQ(refused, 46u);
  EXPECT_EQ(fake_.requests().size(), 4u);
}

TEST_F(CashierTest, ACapThatIsNearIsToldAndACheaperModelMayBeAsked) {
  const auto cashier = open(1'320);  // a question is 84 tokens at most, and 100 are answered
  const auto paid = cashier->paid(fake_, what());
  auto first = generate(soon(), *paid, question("hello"));
  EXPECT_THAT(first.value().finished.notes, ElementsAre(HasSubstr("82 % of the day's $0.0014")));
  ASSERT_TRUE(settles_at(25));
  chat::Request asked = question("hello", 118);
  asked.cheaper_waits = true;
  const auto refused = generate(soon(), *paid, asked);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().field, "budget");
  asked.cheaper_waits = false;
  EXPECT_TRUE(generate(soon(), *paid, asked).ok());
}

TEST_F(CashierTest, TheKillSwitchEndsWhatRunsUntilItIsReleased) {
  auto cashier = open();
  auto paid = cashier->paid(fake_, what());
  const auto notes = std::make_shared<Notes>();
  const auto held = paid->start(question("hold"), notes).value();
  ASSERT_TRUE(eventually([&] { return fake_.running() == 1; }));
  ASSERT_TRUE(cashier->stop_spending(soon(), "a drill").ok());
  EXPECT_EQ(notes->wait_for_failure().code, Code::Denied);
  EXPECT_EQ(fake_.running(), 0u);
  EXPECT_EQ(paid->start(question("hello"), notes).error().code, Code::Denied);
  paid.reset();
  cashier = open();  // as after a restart
  paid = cashier->paid(fake_, what());
  EXPECT_THAT(generate(soon(), *paid, question("hello")).error().message, HasSubstr("a drill"));
  EXPECT_EQ(cashier->standing(soon(), "x").value().stopped.value_or(store::Stopped{}).why,
            "a drill");
  ASSERT_TRUE(cashier->go_on(soon()).ok());
  EXPECT_TRUE(generate(soon(), *paid, question("hello")).ok());
}

TEST_F(CashierTest, WithoutAPriceNothingIsAskedAndWithoutACostNothingIsPaid) {
  const auto cashier = open(0);
  const auto unpriced = cashier->paid(fake_, what("other"));
  const auto refused = unpriced->start(question("hello"), std::make_shared<Notes>());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::Denied);
  EXPECT_THAT(refused.error().message, HasSubstr("prices.toml as model = \"other/m\""));
  const auto paid = cashier->paid(fake_, what());
  EXPECT_EQ(generate(soon(), *paid, question("hello")).error().field, "budget.day_max");
  EXPECT_TRUE(generate(soon(), *paid, question("hello", 0)).ok());  // only counts
  EXPECT_EQ(spent(), 0);
}

TEST_F(CashierTest, AGenerationMayOutliveTheCashier) {
  auto cashier = open();
  auto paid = cashier->paid(fake_, what());
  auto held = paid->start(question("hold"), std::make_shared<Notes>()).value();
  ASSERT_TRUE(eventually([&] { return fake_.running() == 1; }));
  paid.reset();
  cashier.reset();
  held.reset();
  EXPECT_EQ(fake_.running(), 0u);
}

}  // namespace
}  // namespace hearth::model
