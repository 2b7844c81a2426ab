#include "model/pool/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>

#include "model/fake_model.h"
#include "model/forwarding.h"
#include "model/local/notes.h"

namespace hearth::model {
namespace {

using testing::HasSubstr;

chat::Request saying(const std::string& text) { return {.prompt = chat::PlainText{text}}; }

/// Models of a script, which tell when they are there.
class PoolTest : public testing::Test {
 protected:
  /// What is known of the models of one name.
  struct Known {
    std::atomic<int> opened{0}, there{0};
    std::atomic<FakeModel*> model{nullptr};
    std::atomic<bool> fails{false};
  };

  /// A FakeModel that counts those that are there, of its name and in all.
  class Counted final : public Forwarding {
   public:
    Counted(Known& known, std::atomic<std::uint64_t>& bytes, std::uint64_t own,
            std::unique_ptr<FakeModel> fake)
        : Forwarding(*fake), known_(known), bytes_(bytes), own_(own), fake_(std::move(fake)) {
      bytes_ += own_;
      ++known_.there;
      known_.model = fake_.get();
      ++known_.opened;
    }
    ~Counted() override {
      known_.model = nullptr;
      --known_.there;
      bytes_ -= own_;
    }

   private:
    Known& known_;
    std::atomic<std::uint64_t>& bytes_;
    const std::uint64_t own_;
    const std::unique_ptr<FakeModel> fake_;
  };

  PoolEntry entry(const std::string& name, std::uint64_t bytes) {
    Known& known = known_[name];
    const auto open = [this, &known, name, bytes]() -> Result<std::unique_ptr<Model>> {
      if (known.fails) return Error{Code::Unavailable, "no such file"};
      FakeModel::Options options{.name = name};
      options.rules = {{"hold", {.pieces = {"x"}, .manual = true}}, {"", {.pieces = {name}}}};
      return std::unique_ptr<Model>(std::make_unique<Counted>(
          known, bytes_, bytes, std::make_unique<FakeModel>(std::move(options))));
    };
    return {.name = name, .file = {.memory_bytes = bytes}, .open = open};
  }
  void open(std::vector<PoolEntry> entries, std::uint64_t bytes_max = 10) {
    pool_ =
        Pool::open(
            std::move(entries),
            {.memory_bytes_max = bytes_max, .residence_min = Millis(5'000), .linger = Millis(0)},
            time_, metrics_)
            .value();
  }
  Model& model(std::size_t at) { return *pool_->models()[at]; }
  std::string say(std::size_t at) {
    const auto answer = generate(soon(), model(at), saying("hello"));
    return answer.ok() ? answer.value().message.content : answer.error().message;
  }

  SetTime time_;
  metrics::Registry metrics_;
  std::map<std::string, Known> known_;
  std::atomic<std::uint64_t> bytes_{0};
  std::unique_ptr<Pool> pool_;  // ends first
};

TEST_F(PoolTest, LoadsWhatIsAskedForAndUnloadsWhatIsNot) {
  open({entry("a", 6), entry("b", 6)});
  EXPECT_EQ(model(0).state(), State::Unloaded);
  EXPECT_TRUE(model(0).is_on_demand());
  EXPECT_EQ(say(0), "a");
  EXPECT_EQ(model(0).state(), State::Ready);
  EXPECT_EQ(say(1), "b");  // and there is no room for both
  EXPECT_EQ(model(0).state(), State::Unloaded);
  EXPECT_EQ(bytes_, 6u);
  EXPECT_EQ(say(0), "a");
  EXPECT_EQ(known_["a"].opened, 2);
  EXPECT_EQ(metrics_.counter("hearth_model_loads_total", "", {{"model", "a"}}).value(), 2u);
}

TEST_F(PoolTest, BothStayWhereBothFit) {
  open({entry("a", 5), entry("b", 5)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(say(0), "a");
    EXPECT_EQ(say(1), "b");
  }
  EXPECT_EQ(known_["a"].opened + known_["b"].opened, 2);
}

TEST_F(PoolTest, APinnedOneIsNotUnloadedToOrder) {
  PoolEntry pinned = entry("a", 6);
  pinned.pinned = true;
  open({pinned, entry("b", 4)});
  EXPECT_TRUE(model(0).unload().ok());  // it is not in memory
  EXPECT_EQ(say(0), "a");
  const auto refused = model(0).unload();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_THAT(refused.error().message, HasSubstr("it is pinned"));
  EXPECT_EQ(model(0).state(), State::Ready);
}

TEST_F(PoolTest, AFileThatWentAndCameAgainIsLoadedWhenItIsAskedFor) {
  std::atomic<bool> is_here = true;
  PoolEntry going = entry("a", 6);
  going.look = [&] {
    return is_here ? PoolFile{.memory_bytes = 6} : PoolFile{.trouble = "no file; get it"};
  };
  open({going});
  EXPECT_EQ(say(0), "a");
  ASSERT_TRUE(model(0).unload().ok());
  ASSERT_TRUE(eventually([&] { return model(0).state() == State::Unloaded; }));
  is_here = false;
  for (int i = 0; i < 2; ++i) EXPECT_THAT(say(0), HasSubstr("no file; get it"));
  is_here = true;
  EXPECT_EQ(say(0), "a");
}

TEST_F(PoolTest, WhatIsLoadedAtTheStartIsThereUnasked) {
  PoolEntry first = entry("a", 6);
  first.at_start = true;
  open({first, entry("b", 4)});
  EXPECT_FALSE(model(0).is_on_demand());
  EXPECT_TRUE(eventually([&] { return model(0).state() == State::Ready; }));
  EXPECT_EQ(model(1).state(), State::Unloaded);
}

TEST_F(PoolTest, APinnedOneKeepsItsPlaceAndSaysSo) {
  PoolEntry pinned = entry("a", 6);
  pinned.pinned = true;
  open({pinned, entry("b", 6)});
  EXPECT_EQ(say(0), "a");
  EXPECT_THAT(say(1), HasSubstr("pool.memory_bytes_max"));
  EXPECT_EQ(model(0).state(), State::Ready);
}

TEST_F(PoolTest, OneThatWorksEndsItsWorkFirst) {
  open({entry("a", 6), entry("b", 6)});
  const auto notes = std::make_shared<Notes>();
  const auto held = model(0).start(saying("hold"), notes).value();
  ASSERT_TRUE(eventually([&] { return known_["a"].model.load() != nullptr; }));
  auto other = std::async(std::launch::async, [&] { return say(1); });
  ASSERT_TRUE(eventually([&] { return model(1).state_text() == "waits for memory"; }));
  time_.pass(Millis(4'999));
  const auto before = std::make_shared<Notes>();
  const auto behind = model(0).start(saying("hello"), before).value();  // its turn is not over yet
  EXPECT_EQ(before->wait_for(3).size(), 3u);
  time_.pass(Millis(1));
  EXPECT_EQ(say(0), "a");  // its end wakes the pool
  ASSERT_TRUE(eventually([&] { return model(0).state_text().starts_with("ends what it does"); }));
  const auto late = std::make_shared<Notes>();
  const auto waits = model(0).start(saying("hello"), late).value();
  EXPECT_EQ(known_["b"].opened, 0);
  ASSERT_TRUE(eventually([&] { return known_["a"].model.load()->step(3) == 3; }));
  EXPECT_EQ(notes->wait_for(3).size(), 3u);
  EXPECT_EQ(other.get(), "b");
  EXPECT_EQ(late->wait_for(3).size(), 3u);  // its turn comes again
  EXPECT_EQ(known_["a"].opened, 2);
}

TEST_F(PoolTest, WhatWaitsCanBeGivenUpAndIsToldOnce) {
  PoolEntry pinned = entry("a", 6);
  open({pinned, entry("b", 6)});
  const auto notes = std::make_shared<Notes>(), silent = std::make_shared<Notes>();
  const auto held = model(0).start(saying("hold"), std::make_shared<Notes>()).value();
  const auto waits = model(1).start(saying("hello"), notes).value();
  auto destroyed = model(1).start(saying("hello"), silent).value();
  destroyed.reset();
  waits->cancel();
  waits->cancel();
  EXPECT_EQ(notes->wait_for_failure().code, Code::Cancelled);
  EXPECT_EQ(notes->wait_for(1).size(), 1u);
  EXPECT_TRUE(silent->wait_for(0).empty());
  time_.pass(Millis(60'000));
  EXPECT_TRUE(model(0).load().ok());
  EXPECT_EQ(known_["b"].opened, 0);  // nobody wants it any more
}

TEST_F(PoolTest, TheQueueHasAnEnd) {
  PoolEntry other = entry("b", 6);
  other.queue_max = 2;
  other.request_timeout = Millis(1'000);
  open({entry("a", 6), other});
  const auto held = model(0).start(saying("hold"), std::make_shared<Notes>()).value();
  ASSERT_TRUE(eventually([&] { return known_["a"].opened == 1; }));
  const auto first = std::make_shared<Notes>(), second = std::make_shared<Notes>();
  const auto one = model(1).start(saying("hello"), first).value();
  const auto two = model(1).start(saying("hello"), second).value();
  const auto three = model(1).start(saying("hello"), std::make_shared<Notes>());
  ASSERT_FALSE(three.ok());
  EXPECT_EQ(three.error().code, Code::Busy);
  // And what stands in it waits so long and no longer.
  time_.pass(Millis(1'000));
  EXPECT_TRUE(model(0).load().ok());
  EXPECT_EQ(first->wait_for_failure().code, Code::Timeout);
  EXPECT_EQ(second->wait_for_failure().code, Code::Timeout);
}

TEST_F(PoolTest, OneThatCannotBeLoadedRefusesAndIsTriedAgain) {
  open({entry("a", 6)});
  known_["a"].fails = true;
  EXPECT_THAT(say(0), HasSubstr("no such file"));
  EXPECT_THAT(say(0), HasSubstr("no such file"));
  EXPECT_EQ(model(0).state(), State::Unloaded);
  EXPECT_EQ(model(0).state_text(), "no such file");
  EXPECT_EQ(model(0).tokenize(soon(), "a", false, false).error().code, Code::Unavailable);
  known_["a"].fails = false;
  EXPECT_THAT(say(0), HasSubstr("no such file"));  // not tried so soon
  time_.pass(Millis(30'000));
  EXPECT_EQ(say(0), "a");
  EXPECT_EQ(model(0).state_text(), "");
}

TEST_F(PoolTest, AFileThatWasMissingMayCome) {
  PoolEntry later = entry("a", 6);
  std::atomic<bool> here = false;
  later.file = {.trouble = "a.gguf: no such file"};
  later.look = [&here] {
    return here ? PoolFile{.memory_bytes = 6, .context_tokens = 7}
                : PoolFile{.trouble = "a.gguf: no such file"};
  };
  open({later});
  EXPECT_EQ(model(0).state_text(), "a.gguf: no such file");
  EXPECT_EQ(say(0), "model 'a' cannot be loaded: a.gguf: no such file");
  EXPECT_FALSE(model(0).load().ok());
  here = true;
  EXPECT_EQ(say(0), "a");
  EXPECT_EQ(model(0).state_text(), "");
}

TEST_F(PoolTest, OneThatFailsIsUnloadedAndTriedAgain) {
  open({entry("a", 6)});
  EXPECT_EQ(say(0), "a");
  known_["a"].model.load()->set_state(State::Failed, "the file is cut short");
  EXPECT_FALSE(say(0).empty());
  EXPECT_TRUE(eventually([&] { return known_["a"].there == 0; }));
  EXPECT_EQ(model(0).state_text(), "the file is cut short");
  time_.pass(Millis(30'000));
  EXPECT_EQ(say(0), "a");
}

TEST_F(PoolTest, AnIdleOneIsUnloaded) {
  PoolEntry idle = entry("a", 6);
  idle.idle_timeout = Millis(300'000);
  open({idle, entry("b", 4)});
  EXPECT_EQ(say(0), "a");
  time_.pass(Millis(299'999));
  EXPECT_EQ(say(1), "b");  // wakes the pool
  EXPECT_EQ(model(0).state(), State::Ready);
  time_.pass(Millis(1));
  EXPECT_EQ(say(1), "b");
  EXPECT_TRUE(eventually([&] { return known_["a"].there == 0; }));
}

TEST_F(PoolTest, IsLoadedAndUnloadedToOrder) {
  open({entry("a", 6)});
  ASSERT_TRUE(model(0).load().ok());
  EXPECT_TRUE(eventually([&] { return model(0).state() == State::Ready; }));
  ASSERT_TRUE(model(0).unload().ok());
  EXPECT_TRUE(eventually([&] { return model(0).state() == State::Unloaded; }));
  EXPECT_EQ(known_["a"].there, 0);
  EXPECT_TRUE(model(0).unload().ok());
  EXPECT_EQ(say(0), "a");  // whoever asks has it back
}

TEST_F(PoolTest, QuestionsLoadItToo) {
  open({entry("a", 6), entry("b", 6)});
  EXPECT_EQ(model(0).tokenize(soon(), "ab", false, false).value().size(), 2u);
  EXPECT_EQ(model(1).detokenize(soon(), {'a'}).value(), "a");
  EXPECT_EQ(model(0).embed(soon(), {std::string("a")}).value().vectors.size(), 1u);
  EXPECT_EQ(known_["a"].opened, 2);
}

TEST_F(PoolTest, ClosingItFailsWhatRunsAndWhatWaits) {
  open({entry("a", 6), entry("b", 6)});
  const auto runs = std::make_shared<Notes>(), waits = std::make_shared<Notes>();
  const auto held = model(0).start(saying("hold"), runs).value();
  ASSERT_TRUE(eventually([&] { return known_["a"].opened == 1; }));
  const auto queued = model(1).start(saying("hello"), waits).value();
  pool_.reset();
  EXPECT_EQ(waits->wait_for_failure().code, Code::Unavailable);
  EXPECT_EQ(runs->wait_for_failure().code, Code::Unavailable);
  EXPECT_EQ(bytes_, 0u);
}

TEST_F(PoolTest, RefusesWhatCannotBe) {
  struct Row {
    std::vector<PoolEntry> entries;
    const char* field;
  };
  PoolEntry a = entry("a", 6), b = entry("b", 6);
  a.at_start = b.at_start = true;
  const Row rows[] = {{{entry("a", 1), entry("a", 2)}, "pool.model"},
                      {{a, b}, "pool.memory_bytes_max"}};
  for (const Row& row : rows) {
    const auto opened = Pool::open(row.entries, {.memory_bytes_max = 10}, time_, metrics_);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().field, row.field);
  }
  open({entry("a", 11)});
  EXPECT_THAT(say(0), HasSubstr("pool.memory_bytes_max"));
}

/// Two that do not fit together, asked by many at once: everybody is answered, and never is more in
/// memory than may be.
TEST_F(PoolTest, ManyAtOnceOfTwoThatDoNotFit) {
  SystemTime real;
  pool_ = Pool::open({entry("a", 6), entry("b", 6)},
                     {.memory_bytes_max = 10, .residence_min = Millis(5), .linger = Millis(1)},
                     real, metrics_)
              .value();
  std::atomic<bool> too_much = false;
  std::vector<std::future<int>> askers;
  for (int asker = 0; asker < 8; ++asker) {
    askers.push_back(std::async(std::launch::async, [&, asker] {
      int answered = 0;
      for (int i = 0; i < 50; ++i) {
        const std::size_t at = static_cast<std::size_t>(asker + i / 10) % 2;
        answered += say(at) == (at == 0 ? "a" : "b") ? 1 : 0;
        if (bytes_ > 10) too_much = true;
      }
      return answered;
    }));
  }
  for (auto& asker : askers) EXPECT_EQ(asker.get(), 50);
  EXPECT_FALSE(too_much);
}

}  // namespace
}  // namespace hearth::model
