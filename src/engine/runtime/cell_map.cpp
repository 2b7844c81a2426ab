#include "engine/runtime/cell_map.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {

CellMap::CellMap(std::uint32_t cells, std::uint32_t sequences)
    : sharers_(cells), cells_of_(sequences) {}

std::uint32_t CellMap::start_of_search(std::uint32_t tokens) const {
  // llama.cpp goes back to the first cell when that many lie unused before the head.
  return head_ > used_ + 2 * tokens ? 0 : head_;
}

void CellMap::place(std::span<const llama_seq_id> owners) {
  HEARTH_CHECK(owners.size() <= free(), "the caller makes room first");
  const std::uint32_t size = static_cast<std::uint32_t>(sharers_.size());
  std::uint32_t cell = start_of_search(static_cast<std::uint32_t>(owners.size()));
  // A cell that was found is not looked at again: the search never passes a cell twice.
  for (const llama_seq_id owner : owners) {
    while (sharers_[cell % size] != 0) ++cell;
    cell %= size;
    sharers_[cell] = 1;
    cells_of_[owner].push_back(cell);
    ++cell;
  }
  used_ += static_cast<std::uint32_t>(owners.size());
  head_ = cell;
}

void CellMap::cut(llama_seq_id sequence, std::uint32_t from) {
  std::vector<std::uint32_t>& cells = cells_of_[sequence];
  std::uint32_t lowest = head_;
  for (std::size_t i = from; i < cells.size(); ++i) {
    if (--sharers_[cells[i]] != 0) continue;
    --used_;
    lowest = std::min(lowest, cells[i]);
  }
  if (from < cells.size()) cells.resize(from);
  head_ = lowest;
}

void CellMap::share(llama_seq_id from, llama_seq_id to, std::uint32_t tokens) {
  HEARTH_CHECK(from != to, "a sequence cannot follow itself");
  const std::vector<std::uint32_t>& source = cells_of_[from];
  cells_of_[to].insert(cells_of_[to].end(), source.begin(), source.begin() + tokens);
  for (std::uint32_t i = 0; i < tokens; ++i) ++sharers_[source[i]];
}

bool CellMap::grows_in_order(llama_seq_id sequence) const {
  const std::vector<std::uint32_t>& cells = cells_of_[sequence];
  if (!std::is_sorted(cells.begin(), cells.end())) return false;
  if (!cells.empty() && cells.back() >= head_) return false;
  // With every cell before the head in use, the search only ever goes up.
  return std::none_of(sharers_.begin(), sharers_.begin() + head_,
                      [](std::uint16_t n) { return n == 0; });
}

}  // namespace hearth::engine
