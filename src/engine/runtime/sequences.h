#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/runtime/cell_map.h"
#include "llama.h"

namespace hearth::engine {

/// The token sequences whose state lies in the KV cache: those being computed and those kept
/// because a later prompt may begin like them. Hands a sequence to each generation, with as much of
/// its prompt already in it as any resident one has, and lets the longest unused go when cells run
/// out. Scheduler thread only. The context must outlive it.
class Sequences {
 public:
  struct Limits {
    std::uint32_t cells = 0;  // of the KV cache
    /// Computed and kept ones together. With can_cut llama_n_seq_max() must be one more: the last
    /// is for moving state in and out.
    std::uint32_t sequences = 0;
    /// State can be cut after any token and shared between sequences: plain attention. False for
    /// recurrent, hybrid and sliding-window models: there only a whole sequence can be continued.
    bool can_cut = true;
  };
  Sequences(llama_context* context, const Limits& limits);

  /// Results are bit for bit those of an empty cache only if the sequence's tokens lie in their
  /// cells in order (InOrder), for some models only in an empty cache (Fresh). The cache is emptied
  /// where that is needed, unless others compute: then nothing is promised.
  enum class Layout : std::uint8_t { Any, InOrder, Fresh };
  struct Wish {
    bool reuse = true;  // begin with the longest common prefix there is
    Layout layout = Layout::Any;
    std::uint32_t tokens_max = 0;  // prompt and answer together
  };
  struct Claim {
    llama_seq_id id = 0;
    std::uint32_t reused =
        0;  // tokens of the prompt that are already there; less than the prompt's
  };
  /// A sequence for one generation. `prompt`: at least one token. At most `Limits::sequences`
  /// claims can be out at once; more is a bug.
  Claim claim(std::span<const llama_token> prompt, const Wish& wish);

  /// Ends a claim. The sequence stays for later prompts, or its cells are freed.
  void release(llama_seq_id id, bool keep);

  /// Frees cells until `cells` are free, longest unused first. False if what is being computed
  /// holds them. Call before each batch.
  bool make_room(std::uint32_t cells);
  /// Frees the longest unused sequence. False if there is none.
  bool evict_one();
  /// Frees everything that is not being computed.
  void evict_all();

  /// A batch was computed: `owners` and `tokens` for each of its tokens, in the batch's order.
  void computed(std::span<const llama_seq_id> owners, std::span<const llama_token> tokens);
  /// A batch was given up inside llama_decode. Sequences whose state could not be brought back
  /// begin again from nothing: look at length().
  void aborted(std::span<const llama_seq_id> owners);

  // ---- state as bytes (sequence_state.cpp); only those of this model, build and KV type fit
  // -------

  /// Up to where, from `from` to at most `to`, the tokens lie in their cells in order. Only such a
  /// piece can be copied, for state is written in the order of the cells.
  std::uint32_t in_order_until(llama_seq_id id, std::uint32_t from, std::uint32_t to) const;
  /// The state of the tokens [from, to); without can_cut only that of the whole sequence.
  /// Errors: Internal (llama.cpp gave none).
  Result<std::string> copy_state(llama_seq_id id, std::uint32_t from, std::uint32_t to);
  /// Puts the state of `tokens`, the next ones of a claimed sequence, behind it and keeps the first
  /// `keep` of them; without can_cut the sequence must be empty and all are kept. `state` must have
  /// been verified: llama.cpp aborts on damage. Errors: Busy (no cells), Corrupt (it is not the
  /// state of tokens at these positions; the sequence is as before or, without can_cut, empty).
  Result<void> append_state(llama_seq_id id, std::span<const llama_token> tokens,
                            std::string_view state, std::uint32_t keep);
  /// Takes the tokens from `length` on away from a claimed sequence. Only with can_cut.
  void cut(llama_seq_id id, std::uint32_t length);
  /// As claim() would give, without claiming: tokens that are there and can be built on.
  std::uint32_t reusable(std::span<const llama_token> prompt, const Wish& wish) const;
  /// Whether the claim's tokens lie in order, and all that may follow will.
  bool stays_in_order(const Claim& claim, const Wish& wish) const;
  const Limits& limits() const { return limits_; }

  /// Tokens that are in the sequence now.
  std::uint32_t length(llama_seq_id id) const {
    return static_cast<std::uint32_t>(residents_[id].tokens.size());
  }
  std::uint32_t used_cells() const;
  /// Meaningful only with Limits::can_cut.
  const CellMap& cells() const { return cells_; }

 private:
  enum class Use : std::uint8_t { Free, Idle, Computing };
  struct Resident {
    Use use = Use::Free;
    std::vector<llama_token> tokens{};  // exactly what its cells hold
    std::uint64_t used_at = 0;          // ticks; the smallest goes first
  };
  struct Match {
    llama_seq_id id = -1;
    std::uint32_t tokens = 0;
  };
  Match best_match(std::span<const llama_token> prompt) const;
  Claim reuse(const Match& match);
  Claim begin_empty();
  llama_seq_id free_id();
  void empty(llama_seq_id id);

  bool others_compute() const;
  void check_step(llama_seq_id id);
  llama_seq_id scratch() const { return static_cast<llama_seq_id>(limits_.sequences); }
  Result<void> set_state(llama_seq_id id, std::uint32_t tokens, std::string_view state);

  llama_context* const context_;
  llama_memory_t memory_;
  const Limits limits_;
  CellMap cells_;
  std::vector<Resident> residents_;  // index: llama_seq_id
  std::uint64_t ticks_ = 0;
};

}  // namespace hearth::engine
