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
  static constexpr std::uint32_t kCells = 256, kSequences = 7;

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
      : context_(make_generating_context(*model_, kSequences + 1).value()),
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
    const llama_memory_t memory = llama_get_memory(context_.get());
    const llama_seq_id scratch = Sequences::kScratch;
    llama_memory_seq_cp(memory, id, scratch, -1, -1);
    std::vector<std::uint8_t> state(llama_state_seq_get_size(context_.get(), scratch));
    llama_state_seq_get_data(context_.get(), state.data(), state.size(), scratch);
    llama_memory_seq_rm(memory, scratch, -1, -1);
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

  /// Takes the end of the claim's tokens away and brings it back, a part or all of it, as state.
  /// Returns the length then.
  std::uint32_t move_state(const Sequences::Claim& claim, const std::vector<llama_token>& prompt,
                           std::uint32_t from) {
    const std::uint32_t length = sequences_.length(claim.id);
    if (from >= length || sequences_.in_order_until(claim.id, from, length) < length) return length;
    const std::string state = sequences_.copy_state(claim.id, from, length).value();
    sequences_.cut(claim.id, from);
    const auto piece = std::span(prompt).subspan(from, length - from);
    const std::uint32_t keep = length - from - (length - from) / 3;
    const auto put = sequences_.append_state(claim.id, piece, state, keep);
    EXPECT_TRUE(put.ok() || put.error().code == Code::Busy);
    return sequences_.length(claim.id);
  }

  bool is_in_order(llama_seq_id id) const {
    const auto cells = sequences_.cells().cells_of(id);
    return std::is_sorted(cells.begin(), cells.end()) &&
           sequences_.exact(id) == sequences_.length(id);
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
  run(tokens(100, 10));   // makes the first young again, and is no more than that one
  run(tokens(100, 300));  // needs 100, and 56 are free
  EXPECT_EQ(sequences_.used_cells(), 200u);
  EXPECT_EQ(sequences_.evictions(), 1u);
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
  grow_behind_a_hole(Layout::Any);  // whether its bits differ depends on the weights
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
  EXPECT_EQ(sequences_.used_cells(), 80u);  // of two equal ones the newer did not stay
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

TEST_F(SequencesTest, APinnedPrefixOutlivesWhatItWasTakenFrom) {
  const auto claim = sequences_.claim(tokens(60), {});
  compute(claim.id, tokens(60));
  sequences_.keep_prefix(claim.id, 40, "rules");
  EXPECT_EQ(sequences_.used_cells(), 60u);  // shared, not copied
  sequences_.release(claim.id, true);
  EXPECT_EQ(sequences_.kept(), 2u);
  EXPECT_EQ(sequences_.pinned(), 1u);

  run(tokens(100, 300));
  run(tokens(100, 500));  // the sequence goes for it, its prefix does not
  EXPECT_EQ(sequences_.evictions(), 1u);
  EXPECT_EQ(run(tokens(60)).reused, 40u);
  EXPECT_EQ(run(tokens(40)).reused, 39u);
  EXPECT_EQ(sequences_.pinned(), 1u);
}

TEST_F(SequencesTest, APinGoesOnlyForWhatIsBeingComputed) {
  const auto claim = sequences_.claim(tokens(100), {});
  compute(claim.id, tokens(100));
  sequences_.keep_prefix(claim.id, 100, "rules");
  sequences_.release(claim.id, false);
  EXPECT_EQ(sequences_.used_cells(), 100u);
  run(tokens(100, 300));
  const auto large = sequences_.claim(tokens(250, 300), {});
  EXPECT_TRUE(sequences_.make_room(150 - large.reused + 100));
  EXPECT_EQ(sequences_.pinned(), 0u);
  EXPECT_FALSE(sequences_.make_room(kCells));
}

TEST_F(SequencesTest, OneNamePinsOnePrefix) {
  const auto claim = sequences_.claim(tokens(60), {});
  compute(claim.id, tokens(60));
  sequences_.keep_prefix(claim.id, 20, "rules");
  sequences_.keep_prefix(claim.id, 20, "rules");
  EXPECT_EQ(sequences_.kept(), 1u);
  sequences_.keep_prefix(claim.id, 30, "rules");
  EXPECT_EQ(sequences_.pinned(), 1u);
  sequences_.keep_prefix(claim.id, 40, "");  // a border that nobody pins
  EXPECT_EQ(sequences_.pinned(), 1u);
  EXPECT_EQ(sequences_.kept(), 3u);
  sequences_.release(claim.id, false);
  EXPECT_EQ(run(tokens(35)).reused, 34u);
}

TEST_F(SequencesTest, PinsAreBoundedByNumberAndByCells) {
  Sequences many(context_.get(), {.cells = kCells, .sequences = 16});
  const auto pin = [&](int count, int first, const std::string& name) {
    const auto claim = many.claim(tokens(count, first), {.reuse = false});
    many.computed(std::vector<llama_seq_id>(count, claim.id), tokens(count, first));
    many.keep_prefix(claim.id, count, name);
    many.release(claim.id, false);
  };
  for (std::uint32_t i = 0; i < Sequences::kPinsMax; ++i)
    pin(5, 10 + 20 * static_cast<int>(i), std::to_string(i));
  EXPECT_EQ(many.pinned(), Sequences::kPinsMax);
  pin(5, 300, "one more");
  EXPECT_EQ(many.pinned(), Sequences::kPinsMax);
  pin(128 - 35, 400, "half of the cells, with seven others");
  EXPECT_EQ(many.pinned(), Sequences::kPinsMax);
  pin(5, 600, "six");  // takes the place of the longest unused
  EXPECT_EQ(many.pinned(), Sequences::kPinsMax);
  pin(129 - 35, 700, "more than half of the cells");
  EXPECT_LT(many.pinned(), Sequences::kPinsMax);
}

TEST_F(SequencesTest, WhatWasComputedOnTrialIsTakenAway) {
  const auto first = sequences_.claim(tokens(20), {});
  const auto second = sequences_.claim(tokens(20, 300), {});
  compute(first.id, tokens(20));
  compute(second.id, tokens(23, 300));
  sequences_.cut(second.id, 20);  // the last in the batch: nobody lies behind it
  EXPECT_EQ(sequences_.length(second.id), 20u);
  EXPECT_EQ(sequences_.used_cells(), 40u);
  EXPECT_EQ(sequences_.free_cells(), kCells - 40);
  EXPECT_TRUE(is_in_order(first.id));
  EXPECT_TRUE(is_in_order(second.id));
  sequences_.cut(second.id, 20);  // nothing to take
  compute(second.id, {5});
  EXPECT_EQ(mapped_order(second.id), real_order(second.id));
  EXPECT_TRUE(is_in_order(second.id));
}

TEST_F(SequencesTest, StateThatWasMovedIsTheStateThatWasComputed) {
  const auto claim = sequences_.claim(tokens(60), {});
  compute(claim.id, tokens(60));
  const std::string first = sequences_.copy_state(claim.id, 0, 25).value();
  const std::string second = sequences_.copy_state(claim.id, 25, 60).value();
  const std::string whole = sequences_.copy_state(claim.id, 0, 60).value();
  const std::string part = sequences_.copy_state(claim.id, 0, 40).value();
  EXPECT_EQ(sequences_.used_cells(), 60u);
  sequences_.release(claim.id, true);
  sequences_.evict_all();

  const auto again = sequences_.claim(tokens(60), {});
  const auto all = tokens(60);
  ASSERT_TRUE(sequences_.append_state(again.id, std::span(all).first(25), first, 25).ok());
  ASSERT_TRUE(sequences_.append_state(again.id, std::span(all).subspan(25), second, 35).ok());
  EXPECT_EQ(sequences_.copy_state(again.id, 0, 60).value(), whole);
  EXPECT_EQ(sequences_.length(again.id), 60u);
  EXPECT_EQ(sequences_.used_cells(), 60u);
  EXPECT_TRUE(is_in_order(again.id));

  // Cut back to a border, then on with the first tokens of a piece.
  sequences_.cut(again.id, 25);
  ASSERT_TRUE(sequences_.append_state(again.id, std::span(all).subspan(25), second, 15).ok());
  EXPECT_EQ(sequences_.copy_state(again.id, 0, 40).value(), part);
  EXPECT_EQ(sequences_.used_cells(), 40u);
  EXPECT_TRUE(is_in_order(again.id));
}

TEST_F(SequencesTest, StateOfOtherPositionsIsRefused) {
  const auto claim = sequences_.claim(tokens(60), {});
  compute(claim.id, tokens(60));
  const std::string state = sequences_.copy_state(claim.id, 20, 60).value();
  sequences_.release(claim.id, true);
  const auto other = sequences_.claim(tokens(60, 200), {});
  const auto all = tokens(60, 200);
  EXPECT_EQ(sequences_.append_state(other.id, std::span(all).first(40), state, 40).error().code,
            Code::Corrupt);
  compute(other.id, tokens(20, 200));
  EXPECT_EQ(
      sequences_.append_state(other.id, std::span(all).subspan(20, 39), state, 39).error().code,
      Code::Corrupt);
  EXPECT_EQ(sequences_.length(other.id), 20u);
  EXPECT_TRUE(sequences_.append_state(other.id, std::span(all).subspan(20, 40), state, 40).ok());
}

TEST_F(SequencesTest, StateNeedsFreeCells) {
  const auto claim = sequences_.claim(tokens(64), {});
  for (int i = 0; i < 3; ++i) compute(claim.id, tokens(64));
  const std::string state = sequences_.copy_state(claim.id, 0, 65).value();
  const auto other = sequences_.claim(tokens(5, 900), {});
  const auto all = tokens(65);
  EXPECT_EQ(sequences_.append_state(other.id, all, state, 65).error().code, Code::Busy);
  EXPECT_EQ(sequences_.length(other.id), 0u);
}

TEST_F(SequencesTest, SaysHowMuchALookForReuseWouldFind) {
  run(tokens(60, 10));
  run(tokens(60, 200));
  const Sequences::Wish in_order{.layout = Layout::InOrder};
  EXPECT_EQ(sequences_.reusable(tokens(60, 200), {}), 59u);
  EXPECT_EQ(sequences_.reusable(tokens(60, 200), in_order), 59u);
  EXPECT_EQ(sequences_.reusable(tokens(60, 200), {.layout = Layout::Fresh}), 0u);
  EXPECT_EQ(sequences_.reusable(tokens(60, 200), {.reuse = false}), 0u);
}

TEST_F(SequencesTest, TheMapAgreesWithLlamaWhateverHappens) {
  std::mt19937 random(1);
  const auto up_to = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    std::vector<llama_token> prompt = tokens(5 + up_to(60), 10 + 100 * up_to(3));
    for (std::size_t i = 20; i < prompt.size(); ++i) prompt[i] += up_to(2);
    const auto layout = round % 50 == 49 ? Layout::InOrder : Layout::Any;
    auto claim = sequences_.claim(prompt, {.layout = layout});
    if (up_to(3) == 0) claim.reused = move_state(claim, prompt, up_to(20));
    compute(claim.id, {prompt.begin() + claim.reused, prompt.end()});
    for (int i = up_to(6); i > 0; --i) {
      // A token and a draft behind it, of which some turns out wrong.
      std::vector<llama_token> more = tokens(1 + up_to(4), 7);
      compute(claim.id, more);
      const auto wrong = static_cast<std::uint32_t>(up_to(static_cast<std::uint32_t>(more.size())));
      sequences_.cut(claim.id, sequences_.length(claim.id) - wrong);
    }
    if (up_to(8) == 0) sequences_.keep_prefix(claim.id, 1 + up_to(prompt.size()), "");
    sequences_.release(claim.id, up_to(4) > 0);
    if (up_to(10) == 0) sequences_.evict_one();
    for (llama_seq_id id = 1; id < static_cast<llama_seq_id>(kSequences); ++id) {
      ASSERT_EQ(mapped_order(id), real_order(id));
      ASSERT_EQ(sequences_.cells().cells_of(id).size(), sequences_.length(id));
    }
  }
}

}  // namespace
}  // namespace hearth::engine
