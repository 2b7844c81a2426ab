#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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
    std::uint32_t cells = 0;      // of the KV cache
    std::uint32_t sequences = 0;  // computed and kept ones together: llama_n_seq_max()
    /// State can be cut after any token and shared between sequences: plain attention. False for
    /// recurrent, hybrid and sliding-window models: there only a whole sequence can be continued.
    bool can_cut = true;
  };
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
  /// claims can be out at once; more is a bug.
  Claim claim(std::span<const llama_token> prompt, const Wish& wish);

  /// Ends a claim. The sequence stays for later prompts, or its cells are freed.
  void release(llama_seq_id id, bool keep);

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

  /// Frees the longest unused sequence. False if there is none.
  bool evict_one();
  /// Frees everything that is not being computed.
  void evict_all();

  /// A batch was computed: `owners` and `tokens` for each of its tokens, in the batch's order.
  void computed(std::span<const llama_seq_id> owners, std::span<const llama_token> tokens);
  /// A batch was given up inside llama_decode. Sequences whose state could not be brought back
  /// begin again from nothing: look at length().
  void aborted(std::span<const llama_seq_id> owners);

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
    std::uint32_t exact = 0;            // see exact()
    bool in_order = false;              // claimed InOrder
    std::uint64_t used_at = 0;          // ticks; the smallest goes first
  };
  struct Match {
    llama_seq_id id = -1;
    std::uint32_t tokens = 0;
  };
  Match best_match(std::span<const llama_token> prompt, Layout layout) const;
  Claim reuse(const Match& match);
  Claim begin_empty();
  llama_seq_id free_id();
  void empty(llama_seq_id id);
  std::optional<llama_seq_id> leaves_order(std::span<const llama_seq_id> owners) const;
  bool move(llama_seq_id id, std::uint32_t rows);

  bool others_compute() const;
  void check_step(llama_seq_id id);

  llama_context* context_;
  llama_memory_t memory_;
  const Limits limits_;
  CellMap cells_;
  std::vector<Resident> residents_;  // index: llama_seq_id
  std::uint64_t ticks_ = 0;
  std::uint64_t moves_ = 0;
};

}  // namespace hearth::engine
