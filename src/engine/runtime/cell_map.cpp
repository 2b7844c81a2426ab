#include "engine/runtime/cell_map.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {

CellMap::CellMap(std::uint32_t cells, std::uint32_t sequences)
    : sharers_(cells), cells_of_(sequences) {}

std::uint32_t CellMap::start_of_search(std::size_t tokens) const {
  // llama.cpp goes back to the first cell when that many lie unused before the head.
  return head_ > used_ + 2 * tokens ? 0 : head_;
}

std::vector<std::uint32_t> CellMap::foresee(std::size_t tokens) const {
  HEARTH_CHECK(tokens <= free(), "the caller makes room first");
  const std::uint32_t size = static_cast<std::uint32_t>(sharers_.size());
  std::vector<std::uint32_t> cells(tokens);
  std::uint32_t cell = start_of_search(tokens);
  // A cell that was found is not looked at again: the search never passes a cell twice.
  for (std::uint32_t& found : cells) {
    while (sharers_[cell % size] != 0) ++cell;
    cell %= size;
    found = cell++;
  }
  return cells;
}

void CellMap::place(std::span<const llama_seq_id> owners) {
  const std::vector<std::uint32_t> cells = foresee(owners.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    sharers_[cells[i]] = 1;
    cells_of_[owners[i]].push_back(cells[i]);
  }
  used_ += static_cast<std::uint32_t>(owners.size());
  if (!cells.empty()) head_ = cells.back() + 1;
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

std::uint32_t CellMap::shared_by(llama_seq_id sequence) const {
  const std::vector<std::uint32_t>& cells = cells_of_[sequence];
  return static_cast<std::uint32_t>(std::count_if(
      cells.begin(), cells.end(), [this](std::uint32_t cell) { return sharers_[cell] > 1; }));
}

}  // namespace hearth::engine
