#pragma once
#include <cstdint>

namespace hearth::engine {

/// How many rows of a batch the kernels of a model's weights multiply together. A row outside of
/// such a group is multiplied alone, and costs about half as much as a group of four; a group of
/// four costs nearly half as much as one of sixteen. A value.
/// Source: ggml/src/ggml-cpu/repack.cpp (forward_mul_mat_one_chunk: groups of 4, the rest row by
/// row), arch/x86/repack.cpp (gemm: 16 rows, then 4), arch/arm/repack.cpp (4).
struct RowGroups {
  std::uint32_t large = 1;      // rows
  std::uint32_t small = 1;      // rows; divides `large`
  std::uint32_t worth = 1;      // from so many rows on a whole large group takes no longer
  static RowGroups repacked();  // of weights that llama.cpp has put into its interleaved layout

  /// Rows that can be added to `rows` and cost nothing.
  std::uint32_t padding(std::uint32_t rows) const;
  std::uint32_t padded(std::uint32_t rows) const { return rows + padding(rows); }
  /// No row is outside of a large group, or will be after padding.
  bool fills(std::uint32_t rows) const { return padded(rows) % large == 0; }
};

}  // namespace hearth::engine
