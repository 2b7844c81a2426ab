#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// Which cell of the unified KV cache holds which token, kept in step with llama.cpp, which tells
/// nobody. It answers two questions: how many cells are free when sequences share some, and where
/// the rows of a batch would go. Attention sums in the order of the cells (empty ones and those of
/// others are skipped, so gaps change nothing): only a sequence whose cells rise with its tokens
/// gives the same bits as the same tokens in an empty cache. llama.cpp fills the lowest free cells
/// first, so a sequence leaves its order when its next token falls into a hole below its last cell.
///
/// Holds for plain attention with one stream and one ubatch for each batch. One thread.
/// A state that is put back is placed as one ubatch of its size.
/// Source: llama_kv_cache::find_slot, apply_ubatch, seq_rm, seq_cp and state_read_meta
/// (src/llama-kv-cache.cpp, v0.5.0).
class CellMap {
 public:
  CellMap(std::uint32_t cells, std::uint32_t sequences);

  /// The cells that place() would give. There must be that many free ones.
  std::vector<std::uint32_t> foresee(std::size_t tokens) const;
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

  /// Cells that the sequence has in common with others.
  std::uint32_t shared_by(llama_seq_id sequence) const;

 private:
  std::uint32_t start_of_search(std::size_t tokens) const;

  std::vector<std::uint16_t> sharers_;  // for each cell: sequences that hold it
  std::vector<std::vector<std::uint32_t>>
      cells_of_;  // for each sequence: the cell of each position
  std::uint32_t used_ = 0;
  std::uint32_t head_ = 0;  // where llama.cpp's next search begins
};

}  // namespace hearth::engine
