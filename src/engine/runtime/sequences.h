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
  static constexpr std::uint32_t kPinsMax = 8;

  struct Limits {
    std::uint32_t cells = 0;      // of the KV cache
    std::uint32_t sequences = 0;  // computed and kept ones together, and kScratch
    /// State can be cut after any token and shared between sequences: plain attention. False for
    /// recurrent, hybrid and sliding-window models: there only a whole sequence can be continued.
    bool can_cut = true;
  };
  /// Where state can be cut, this sequence is handed to nobody: reading and writing state goes
  /// through it, since llama.cpp does that below llama_n_seq_max() only and keeps outputs for each.
  static constexpr llama_seq_id kScratch = 0;

  Sequences(llama_context* context, const Limits& limits);

  /// Results are bit for bit those of an empty cache only if the sequence's tokens lie in their
  /// cells in order (InOrder: kept so by keep_order(), whatever else computes; needs
  /// Limits::can_cut), for some models only in an empty cache (Fresh: emptied unless others
  /// compute; then nothing is promised).
  enum class Layout : std::uint8_t { Any, InOrder, Fresh };
  struct Wish {
    bool reuse = true;  // begin with the longest common prefix there is
    Layout layout = Layout::Any;
  };
  struct Claim {
    llama_seq_id id = 0;
    std::uint32_t reused =
        0;  // tokens of the prompt that are already there; less than the prompt's
  };
  /// A sequence for one generation. `prompt`: at least one token. At most `Limits::sequences`
  /// (less kScratch) claims can be out at once; more is a bug.
  Claim claim(std::span<const llama_token> prompt, const Wish& wish);

  /// Ends a claim. The sequence stays for later prompts, or its cells are freed.
  void release(llama_seq_id id, bool keep);

  /// Keeps the first `tokens` tokens of a claimed sequence as a prefix of its own, so that they
  /// stay whatever becomes of the sequence. Where state cannot be cut, the sequence must be
  /// exactly that long now. With a `pin` the prefix is evicted only for what is being computed;
  /// the same name pins one prefix at a time. At most kPinsMax are pinned, and half of the cells:
  /// beyond that the longest unused pin loses its name.
  void keep_prefix(llama_seq_id id, std::uint32_t tokens, const std::string& pin);

  /// Frees cells until `cells` are free, longest unused first. False if what is being computed
  /// holds them. Call before each batch.
  bool make_room(std::uint32_t cells);
  /// Sees to it that the rows of a batch, about to be computed for these owners, keep every
  /// sequence claimed InOrder in order: one whose next token would fall into a hole before its last
  /// is moved to the lowest free cells, which costs a copy of its state through memory. Idle
  /// sequences may be evicted for that. False if one could not be moved and was emptied: its tokens
  /// are computed again, so the batch must be made anew. Call after make_room(), before each batch.
  bool keep_order(std::span<const llama_seq_id> owners);
  /// How many sequences keep_order() has moved.
  std::uint64_t moves() const { return moves_; }
  /// Leading tokens of the sequence that were computed in order: what a sequence claimed InOrder
  /// may reuse of it.
  std::uint32_t exact(llama_seq_id id) const { return residents_[id].exact; }

  /// Frees the longest unused sequence, a pinned one only when there is no other. False if there
  /// is none.
  bool evict_one();
  /// Frees everything that is not being computed.
  void evict_all();

  /// A batch was computed: `owners` and `tokens` for each of its tokens, in the batch's order.
  void computed(std::span<const llama_seq_id> owners, std::span<const llama_token> tokens);
  /// Takes the tokens from `length` on away again: those that were computed on trial. Only with
  /// Limits::can_cut; nothing happens if there are none.
  void cut(llama_seq_id id, std::uint32_t length);
  /// A batch was given up inside llama_decode. Sequences whose state could not be brought back
  /// begin again from nothing: look at length().
  void aborted(std::span<const llama_seq_id> owners);

  // ---- state as bytes (sequence_state.cpp); only those of this model, build and KV type fit ----

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
  /// As claim() would give, without claiming: tokens that are there and can be built on.
  std::uint32_t reusable(std::span<const llama_token> prompt, const Wish& wish) const;
  const Limits& limits() const { return limits_; }

  /// Tokens that are in the sequence now.
  std::uint32_t length(llama_seq_id id) const {
    return static_cast<std::uint32_t>(residents_[id].tokens.size());
  }
  std::uint32_t used_cells() const;
  /// Claims that began with tokens of another sequence, and those that found none, since the start.
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }
  /// Sequences that were kept and had to go, since the start.
  std::uint64_t evictions() const { return evictions_; }
  std::uint32_t kept() const;    // sequences kept for later prompts
  std::uint32_t pinned() const;  // prefixes that are pinned
  std::uint32_t free_cells() const { return limits_.cells - used_cells(); }
  /// Meaningful only with Limits::can_cut.
  const CellMap& cells() const { return cells_; }

 private:
  enum class Use : std::uint8_t { Free, Idle, Computing, Reserved };
  struct Resident {
    Use use = Use::Free;
    std::vector<llama_token> tokens{};  // exactly what its cells hold
    std::uint32_t exact = 0;            // see exact()
    bool in_order = false;              // claimed InOrder
    std::uint64_t used_at = 0;          // ticks; the smallest goes first
    bool is_prefix = false;             // kept for itself: prompts fork it and never continue it
    std::string pin{};                  // not empty: goes last
    bool is_idle() const { return use == Use::Idle; }
    bool is_pinned() const { return is_idle() && !pin.empty(); }
  };
  struct Match {
    llama_seq_id id = -1;
    std::uint32_t tokens = 0;
  };
  Match best_match(std::span<const llama_token> prompt, Layout layout) const;
  Claim reuse(const Match& match);
  Claim begin_empty();
  Claim fork(const Match& match);
  llama_seq_id free_id();
  void empty(llama_seq_id id);
  void let_go(Resident& resident);
  bool is_kept_elsewhere(llama_seq_id id);
  void bound_pins();
  std::optional<llama_seq_id> leaves_order(std::span<const llama_seq_id> owners) const;
  bool move(llama_seq_id id, std::uint32_t rows);

  bool others_compute() const;
  void check_step(llama_seq_id id);
  Result<void> write_behind(llama_seq_id id, std::uint32_t count, std::uint32_t keep,
                            std::string_view state);
  Result<void> set_state(llama_seq_id id, std::uint32_t tokens, std::string_view state);

  llama_context* const context_;
  llama_memory_t memory_;
  const Limits limits_;
  CellMap cells_;
  std::vector<Resident> residents_;  // index: llama_seq_id
  std::uint64_t ticks_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t moves_ = 0;
};

}  // namespace hearth::engine
