#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// Which cell of the unified KV cache holds which token, kept in step with llama.cpp, which tells
/// nobody. It answers two questions: how many cells are free when sequences share some, and whether
/// a sequence lies in its cells in the order of its tokens. Attention sums in the order of the
/// cells, so only sequences in order give the same bits as the same tokens in an empty cache.
///
/// Holds for plain attention with one stream and one ubatch for each batch. One thread.
/// A state that is put back is placed as one ubatch of its size.
/// Source: llama_kv_cache::find_slot, apply_ubatch, seq_rm, seq_cp and state_read_meta
/// (src/llama-kv-cache.cpp, v0.5.0).
class CellMap {
 public:
  CellMap(std::uint32_t cells, std::uint32_t sequences);

  /// One ubatch: the sequence of each of its tokens. There must be that many free cells.
  void place(std::span<const llama_seq_id> owners);
  /// Takes the tokens from position `from` on away from the sequence.
  void cut(llama_seq_id sequence, std::uint32_t from);
  /// Lets the sequence `to` go on with the first `tokens` cells of `from`.
  void share(llama_seq_id from, llama_seq_id to, std::uint32_t tokens);

  std::uint32_t used() const { return used_; }
  std::uint32_t free() const { return static_cast<std::uint32_t>(sharers_.size()) - used_; }

  /// The cell of each of the sequence's positions.
  std::span<const std::uint32_t> cells_of(llama_seq_id sequence) const {
    return cells_of_[sequence];
  }

  /// True if the sequence's tokens are in order and, while nothing else computes, all that will be
  /// appended is placed behind them.
  bool grows_in_order(llama_seq_id sequence) const;

 private:
  std::uint32_t start_of_search(std::uint32_t tokens) const;

  std::vector<std::uint16_t> sharers_;  // for each cell: sequences that hold it
  std::vector<std::vector<std::uint32_t>>
      cells_of_;  // for each sequence: the cell of each position
  std::uint32_t used_ = 0;
  std::uint32_t head_ = 0;  // where llama.cpp's next search begins
};

}  // namespace hearth::engine
