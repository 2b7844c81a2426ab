#include "engine/runtime/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "engine/runtime/llama_log.h"
#include "engine/runtime/loading.h"

namespace hearth::engine {
namespace {

using Layout = Sequences::Layout;

/// Sequences over a real cache of 256 cells, filled by really computing.
class SequencesTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kCells = 256, kSequences = 6;

  static void SetUpTestSuite() {
    Load load{
        .path = "",
        .options = {
            .context_tokens = kCells, .slots = 1, .threads = 1, .prefill_chunk_tokens = kCells}};
    forward_llama_log();
    auto loaded = load_model(load, Machine{}, [](float) { return true; });
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    model_ = new LoadedModel(std::move(loaded).value());
  }
  static void TearDownTestSuite() { delete model_; }

  SequencesTest()
      : context_(make_generating_context(*model_, kSequences).value()),
        sequences_(context_.get(), {.cells = kCells, .sequences = kSequences}) {}

  static std::vector<llama_token> tokens(int count, int first = 10) {
    std::vector<llama_token> all(count);
    std::iota(all.begin(), all.end(), first);
    return all;
  }

  /// Computes `more` tokens at the end of the sequence, as one batch.
  void compute(llama_seq_id id, const std::vector<llama_token>& more) {
    ASSERT_TRUE(sequences_.make_room(more.size()));
    ASSERT_TRUE(sequences_.keep_order(std::vector<llama_seq_id>(more.size(), id)));
    llama_batch batch = llama_batch_init(static_cast<std::int32_t>(more.size()), 0, 1);
    batch.n_tokens = static_cast<std::int32_t>(more.size());
    for (std::size_t i = 0; i < more.size(); ++i) {
      batch.token[i] = more[i];
      batch.pos[i] = static_cast<llama_pos>(sequences_.length(id) + i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = id;
      batch.logits[i] = i + 1 == more.size();
    }
    EXPECT_EQ(llama_decode(context_.get(), batch), 0);
    llama_batch_free(batch);
    sequences_.computed(std::vector<llama_seq_id>(more.size(), id), more);
  }

  /// Claims for `prompt`, computes what is missing, and lets go.
  Sequences::Claim run(const std::vector<llama_token>& prompt, const Sequences::Wish& wish = {},
                       bool keep = true) {
    const auto claim = sequences_.claim(prompt, wish);
    compute(claim.id, {prompt.begin() + claim.reused, prompt.end()});
    sequences_.release(claim.id, keep);
    return claim;
  }

  /// The logits after the token that was computed last.
  std::vector<float> logits() {
    const float* all = llama_get_logits_ith(context_.get(), -1);
    return {all, all + model_->vocabulary()};
  }

  /// A sequence of 60 behind another that has left, and 50 tokens more. The logits after those.
  std::vector<float> grow_behind_a_hole(Layout layout) {
    run(tokens(60, 10));
    const auto claim = sequences_.claim(tokens(110, 200), {.layout = layout});
    compute(claim.id, tokens(60, 200));
    EXPECT_TRUE(sequences_.evict_one());
    compute(claim.id, tokens(50, 260));
    const bool sorted = std::ranges::is_sorted(sequences_.cells().cells_of(claim.id));
    EXPECT_EQ(sorted, layout == Layout::InOrder);
    EXPECT_EQ(sequences_.exact(claim.id), sorted ? 110u : 60u);
    sequences_.release(claim.id, true);
    return logits();
  }

  /// The sequence's positions in the order of their cells, as llama.cpp itself has them.
  std::vector<llama_pos> real_order(llama_seq_id id) {
    std::vector<std::uint8_t> state(llama_state_seq_get_size(context_.get(), id));
    llama_state_seq_get_data(context_.get(), state.data(), state.size(), id);
    const auto word = [&](std::size_t i) {
      std::int32_t value = 0;
      std::memcpy(&value, state.data() + 4 * i, 4);
      return value;
    };
    // magic, sequence, streams, cells; then for each cell: position, sequences (1), sequence.
    std::vector<llama_pos> order;
    for (std::int32_t cell = 0; cell < word(3); ++cell) order.push_back(word(4 + 3 * cell));
    return order;
  }
  std::vector<llama_pos> mapped_order(llama_seq_id id) const {
    const auto cells = sequences_.cells().cells_of(id);
    std::vector<llama_pos> order(cells.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](llama_pos a, llama_pos b) { return cells[a] < cells[b]; });
    return order;
  }

  static LoadedModel* model_;
  llama_context_ptr context_;
  Sequences sequences_;
};
LoadedModel* SequencesTest::model_ = nullptr;

TEST_F(SequencesTest, ContinuesInPlaceForksOrBeginsEmpty) {
  const auto first = run(tokens(20));
  EXPECT_EQ(first.reused, 0u);
  const auto longer = run(tokens(30));
  EXPECT_EQ(longer.id, first.id);  // nothing was lost by going on in place
  EXPECT_EQ(longer.reused, 20u);
  EXPECT_EQ(sequences_.used_cells(), 30u);

  std::vector<llama_token> branch = tokens(30);
  branch[25] = 5;
  const auto fork = run(branch);
  EXPECT_NE(fork.id, first.id);
  EXPECT_EQ(fork.reused, 25u);
  EXPECT_EQ(sequences_.used_cells(), 35u);  // 25 of 30 are shared

  EXPECT_EQ(run(tokens(5, 100)).reused, 0u);
}

TEST_F(SequencesTest, TheLastPromptTokenIsAlwaysComputed) {
  run(tokens(20));
  EXPECT_EQ(run(tokens(20)).reused, 19u);
  EXPECT_EQ(run(tokens(1)).reused, 0u);
}

TEST_F(SequencesTest, NothingIsReadOrLeftOnRequest) {
  run(tokens(20));
  const auto cold = run(tokens(20), {.reuse = false}, false);
  EXPECT_EQ(cold.reused, 0u);
  EXPECT_EQ(sequences_.used_cells(), 20u);
}

TEST_F(SequencesTest, ForksOfWhatIsBeingComputed) {
  const auto claim = sequences_.claim(tokens(40), {});
  compute(claim.id, tokens(32));
  const auto other = sequences_.claim(tokens(40), {});
  EXPECT_NE(other.id, claim.id);
  EXPECT_EQ(other.reused, 32u);
}

TEST_F(SequencesTest, TheLongestUnusedGoesFirst) {
  run(tokens(100, 10));
  run(tokens(100, 200));
  run(tokens(100, 10));   // a fork that takes one cell, and makes its source young again
  run(tokens(100, 300));  // needs 100, and 55 are free
  EXPECT_EQ(sequences_.used_cells(), 201u);
  EXPECT_EQ(run(tokens(50, 10)).reused, 49u);
  EXPECT_EQ(run(tokens(50, 200)).reused, 0u);
}

TEST_F(SequencesTest, NoRoomWhileAllIsComputed) {
  const auto claim = sequences_.claim(tokens(64), {});
  for (int i = 0; i < 4; ++i) compute(claim.id, tokens(64));
  EXPECT_FALSE(sequences_.make_room(1));
  EXPECT_TRUE(sequences_.make_room(0));
  sequences_.release(claim.id, true);
  EXPECT_TRUE(sequences_.make_room(1));
  EXPECT_EQ(sequences_.used_cells(), 0u);
}

TEST_F(SequencesTest, MoreForksThanSequencesReplaceTheOldest) {
  std::vector<llama_token> prompt = tokens(10);
  for (int i = 0; i < 3 * static_cast<int>(kSequences); ++i) {
    prompt.back() = 500 + i;
    EXPECT_EQ(run(prompt).reused, i == 0 ? 0u : 9u);
  }
}

TEST_F(SequencesTest, InOrderMovesWhatWouldFallIntoAHole) {
  const auto claim = sequences_.claim(tokens(110, 200), {});
  compute(claim.id, tokens(60, 200));
  compute(claim.id, tokens(50, 260));
  const auto alone = logits();
  sequences_.release(claim.id, false);
  EXPECT_EQ(grow_behind_a_hole(Layout::InOrder), alone);
  EXPECT_EQ(sequences_.moves(), 1u);
  EXPECT_EQ(sequences_.used_cells(), 110u);
  sequences_.evict_all();
  EXPECT_NE(grow_behind_a_hole(Layout::Any), alone);  // it is the order that does it
  EXPECT_EQ(sequences_.moves(), 1u);
}

TEST_F(SequencesTest, InOrderReusesOnlyWhatWasComputedInOrder) {
  grow_behind_a_hole(Layout::Any);
  const std::vector<llama_token> longer = tokens(120, 200);
  EXPECT_EQ(run(longer, {.layout = Layout::InOrder}).reused, 60u);
  sequences_.evict_all();
  grow_behind_a_hole(Layout::InOrder);
  EXPECT_EQ(run(longer, {.layout = Layout::InOrder}).reused, 110u);
}

TEST_F(SequencesTest, GapsBetweenCellsChangeNothing) {
  const auto claim = sequences_.claim(tokens(40, 200), {});
  compute(claim.id, tokens(20, 200));
  compute(claim.id, tokens(20, 220));
  const auto alone = logits();
  sequences_.release(claim.id, false);
  run(tokens(30, 10));
  const auto first = sequences_.claim(tokens(40, 200), {});
  compute(first.id, tokens(20, 200));
  run(tokens(30, 400));
  compute(first.id, tokens(20, 220));
  EXPECT_EQ(logits(), alone);
}

TEST_F(SequencesTest, AMoveLeavesSharedCellsToTheOthersAndNeedsRoomForThem) {
  run(tokens(60, 10));
  run(tokens(60, 200));
  const auto fork = sequences_.claim(tokens(61, 200), {.layout = Layout::InOrder});
  EXPECT_EQ(fork.reused, 60u);
  sequences_.release(fork.id, true);
  const auto again = sequences_.claim(tokens(50, 200), {.layout = Layout::InOrder});
  EXPECT_EQ(again.reused, 49u);
  ASSERT_TRUE(sequences_.evict_one());  // the first: a hole before the fork
  compute(again.id, {249});
  EXPECT_EQ(sequences_.moves(), 1u);
  EXPECT_EQ(sequences_.length(again.id), 50u);
  EXPECT_EQ(sequences_.used_cells(), 110u);
  EXPECT_TRUE(std::ranges::is_sorted(sequences_.cells().cells_of(again.id)));
}

TEST_F(SequencesTest, OrderIsKeptWhateverOthersDo) {
  std::mt19937 random(2);
  const auto up_to = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  std::vector<Sequences::Claim> open;
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE(round);
    if (open.size() < 3) {
      const auto layout = up_to(3) > 0 ? Layout::InOrder : Layout::Any;
      const std::vector<llama_token> prompt = tokens(5 + up_to(20), 10 + 100 * up_to(3));
      open.push_back(sequences_.claim(prompt, {.layout = layout}));
      compute(open.back().id, {prompt.begin() + open.back().reused, prompt.end()});
      if (layout == Layout::InOrder) {
        ASSERT_EQ(sequences_.exact(open.back().id), prompt.size());
      }
    }
    const std::size_t which = random() % open.size();
    compute(open[which].id, {static_cast<llama_token>(7 + up_to(3))});
    if (sequences_.length(open[which].id) > 40 || up_to(8) == 0) {
      const auto order = real_order(open[which].id);
      if (sequences_.exact(open[which].id) == order.size()) {
        ASSERT_TRUE(std::ranges::is_sorted(order));
      }
      sequences_.release(open[which].id, up_to(3) > 0);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    }
    if (up_to(4) == 0) sequences_.evict_one();
    for (const auto& claim : open) {
      ASSERT_EQ(mapped_order(claim.id), real_order(claim.id));
    }
  }
  EXPECT_GT(sequences_.moves(), 10u);
}

TEST_F(SequencesTest, FreshBeginsInAnEmptyCacheUnlessOthersCompute) {
  run(tokens(50));
  const auto other = sequences_.claim(tokens(30, 300), {});
  compute(other.id, tokens(30, 300));
  EXPECT_EQ(run(tokens(50), {.layout = Layout::Fresh}).reused, 0u);
  EXPECT_EQ(sequences_.used_cells(), 130u);
  sequences_.release(other.id, true);
  EXPECT_EQ(run(tokens(50), {.layout = Layout::Fresh}).reused, 0u);
  EXPECT_EQ(sequences_.used_cells(), 50u);
}

TEST_F(SequencesTest, WithoutCuttingOnlyWholeSequencesGoOn) {
  Sequences whole(context_.get(), {.cells = kCells, .sequences = kSequences, .can_cut = false});
  const auto first = whole.claim(tokens(20), {});
  whole.computed(std::vector<llama_seq_id>(20, first.id), tokens(20));
  EXPECT_EQ(whole.claim(tokens(30), {}).reused, 0u);  // it is still being computed
  whole.release(first.id, true);
  EXPECT_EQ(whole.claim(tokens(20), {}).reused, 0u);  // it would have to give a token back
  EXPECT_EQ(whole.claim(tokens(15), {}).reused, 0u);
  const auto longer = whole.claim(tokens(25), {});
  EXPECT_EQ(longer.id, first.id);
  EXPECT_EQ(longer.reused, 20u);
  // The real memory holds nothing of this, as after an abort that lost a recurrent state.
  whole.aborted(std::vector<llama_seq_id>{longer.id});
  EXPECT_EQ(whole.length(longer.id), 0u);
}

TEST_F(SequencesTest, TheMapAgreesWithLlamaWhateverHappens) {
  std::mt19937 random(1);
  const auto up_to = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    std::vector<llama_token> prompt = tokens(5 + up_to(60), 10 + 100 * up_to(3));
    for (std::size_t i = 20; i < prompt.size(); ++i) prompt[i] += up_to(2);
    const auto layout = round % 50 == 49 ? Layout::InOrder : Layout::Any;
    const auto claim = sequences_.claim(prompt, {.layout = layout});
    compute(claim.id, {prompt.begin() + claim.reused, prompt.end()});
    for (int i = up_to(6); i > 0; --i) compute(claim.id, {7});
    sequences_.release(claim.id, up_to(4) > 0);
    if (up_to(10) == 0) sequences_.evict_one();
    for (llama_seq_id id = 0; id < static_cast<llama_seq_id>(kSequences); ++id) {
      ASSERT_EQ(mapped_order(id), real_order(id));
      ASSERT_EQ(sequences_.cells().cells_of(id).size(), sequences_.length(id));
    }
  }
}

}  // namespace
}  // namespace hearth::engine
