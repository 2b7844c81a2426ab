#include "engine/runtime/batch.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace hearth::engine {

Batch::Batch(std::uint32_t tokens_max)
    : tokens_max_(tokens_max),
      batch_(llama_batch_init(static_cast<std::int32_t>(tokens_max), 0, 1)) {}

Batch::~Batch() { llama_batch_free(batch_); }

std::int32_t Batch::add(llama_token token, std::uint32_t position, llama_seq_id owner,
                        Logits logits) {
  HEARTH_CHECK(room() > 0, "the caller looks at room() first");
  const std::int32_t row = batch_.n_tokens++;
  batch_.token[row] = token;
  batch_.pos[row] = static_cast<llama_pos>(position);
  batch_.n_seq_id[row] = 1;
  batch_.seq_id[row][0] = owner;
  batch_.logits[row] = logits == Logits::Yes ? 1 : 0;
  owners_.push_back(owner);
  return row;
}

void Batch::clear() {
  batch_.n_tokens = 0;
  owners_.clear();
}

std::vector<std::uint32_t> share_out(std::span<const std::uint64_t> wants, std::uint32_t budget) {
  std::vector<std::size_t> order(wants.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wants[a] < wants[b]; });
  std::vector<std::uint32_t> shares(wants.size());
  auto sharers = static_cast<std::uint32_t>(wants.size());
  for (const std::size_t i : order) {
    shares[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(wants[i], budget / sharers));
    budget -= shares[i];
    --sharers;
  }
  return shares;
}

}  // namespace hearth::engine
