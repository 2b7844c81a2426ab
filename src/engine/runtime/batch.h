#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "llama.h"

namespace hearth::engine {

/// The tokens that one llama_decode computes together. One thread.
class Batch {
 public:
  /// `tokens_max`: rows at most; llama_n_batch().
  explicit Batch(std::uint32_t tokens_max);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  enum class Logits : bool { No, Yes };
  /// One more row. There must be room() for it. Returns its index, by which llama.cpp finds its
  /// logits.
  std::int32_t add(llama_token token, std::uint32_t position, llama_seq_id owner, Logits logits);
  void clear();

  std::uint32_t size() const { return static_cast<std::uint32_t>(owners_.size()); }
  std::uint32_t room() const { return tokens_max_ - size(); }
  const llama_batch& raw() const { return batch_; }
  /// Of each row: its token, and the sequence that it belongs to.
  std::span<const llama_token> tokens() const { return {batch_.token, owners_.size()}; }
  std::span<const llama_seq_id> owners() const { return owners_; }

 private:
  std::uint32_t tokens_max_;
  llama_batch batch_;
  std::vector<llama_seq_id> owners_{};
};

/// Deals `budget` out to those who want `wants`: equal shares, the smallest wish first (among
/// equals the earliest), so that what it leaves goes to the larger ones. Pure.
std::vector<std::uint32_t> share_out(std::span<const std::uint64_t> wants, std::uint32_t budget);

}  // namespace hearth::engine
