// State in and out of the KV cache: the part of Sequences that snapshots need.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "engine/runtime/guard.h"
#include "engine/runtime/sequences.h"

namespace hearth::engine {
namespace {

/// Whether llama.cpp's bytes say that they hold `count` tokens from position `first` on, one after
/// the other. They begin with: magic, sequence, streams, cells; then for each cell its position,
/// the number of its sequences, and those. Source: llama_kv_cache::state_write (v0.5.0).
bool holds_positions(std::string_view state, std::uint32_t first, std::uint32_t count) {
  constexpr std::size_t kWordsBefore = 4, kWordsOfCell = 3, kWord = sizeof(std::uint32_t);
  if (state.size() < (kWordsBefore + kWordsOfCell * count) * kWord) return false;
  const auto word = [&](std::size_t index) {
    std::uint32_t value = 0;
    std::memcpy(&value, state.data() + index * kWord, kWord);
    return value;
  };
  if (word(2) != 1 || word(3) != count) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t cell = kWordsBefore + kWordsOfCell * i;
    if (word(cell) != first + i || word(cell + 1) != 1) return false;
  }
  return true;
}

}  // namespace

std::uint32_t Sequences::in_order_until(llama_seq_id id, std::uint32_t from,
                                        std::uint32_t to) const {
  if (!limits_.can_cut) return to;
  const auto cells = cells_.cells_of(id).subspan(from, to - from);
  const auto sorted = std::is_sorted_until(cells.begin(), cells.end());
  return from + static_cast<std::uint32_t>(sorted - cells.begin());
}

Result<std::string> Sequences::copy_state(llama_seq_id id, std::uint32_t from, std::uint32_t to) {
  llama_seq_id source = id;
  if (limits_.can_cut) {
    source = kScratch;
    llama_memory_seq_cp(memory_, id, source, static_cast<llama_pos>(from),
                        static_cast<llama_pos>(to));
  } else {
    HEARTH_CHECK(from == 0 && to == length(id), "this memory's state cannot be cut");
  }
  std::string state(llama_state_seq_get_size_ext(context_, source, 0), '\0');
  const std::size_t written = llama_state_seq_get_data_ext(
      context_, reinterpret_cast<std::uint8_t*>(state.data()), state.size(), source, 0);
  // No cell becomes free, so where llama.cpp looks for cells stays as it is.
  if (limits_.can_cut) llama_memory_seq_rm(memory_, source, -1, -1);
  if (written == 0 || written > state.size())
    return Error{Code::Internal, "llama.cpp gave no state of a sequence"};
  state.resize(written);
  return state;
}

/// The state into a sequence that is empty.
Result<void> Sequences::set_state(llama_seq_id id, std::uint32_t tokens, std::string_view state) {
  const auto read = guarded(Code::Corrupt, "llama.cpp refused a state", [&] {
    return llama_state_seq_set_data_ext(
        context_, reinterpret_cast<const std::uint8_t*>(state.data()), state.size(), id, 0);
  });
  if (limits_.can_cut) cells_.place(std::vector<llama_seq_id>(tokens, id));
  if (read.ok() && read.value() == state.size()) return ok();
  llama_memory_seq_rm(memory_, id, -1, -1);
  if (limits_.can_cut) cells_.cut(id, 0);
  return Error{Code::Corrupt, "llama.cpp refused a state"};
}

Result<void> Sequences::append_state(llama_seq_id id, std::span<const llama_token> tokens,
                                     std::string_view state, std::uint32_t keep) {
  const auto count = static_cast<std::uint32_t>(tokens.size());
  const std::uint32_t before = length(id);
  std::vector<llama_token>& known = residents_[id].tokens;
  if (!limits_.can_cut) {
    HEARTH_CHECK(before == 0 && keep == count, "this memory's state cannot be cut");
    TRY_VOID(set_state(id, count, state));
    if (llama_memory_seq_pos_max(memory_, id) + 1 != static_cast<llama_pos>(count)) {
      llama_memory_seq_rm(memory_, id, -1, -1);
      return Error{Code::Corrupt, "not the state of these tokens"};
    }
    known.assign(tokens.begin(), tokens.end());
    return ok();
  }
  if (!holds_positions(state, before, count))
    return Error{Code::Corrupt, "the state's positions are not those of its tokens"};
  if (!make_room(count)) return Error{Code::Busy, "no cells are free"};
  TRY_VOID(write_behind(id, count, keep, state));
  known.insert(known.end(), tokens.begin(), tokens.begin() + keep);
  // What is saved was exact: see Persistence::save().
  std::uint32_t& exact = residents_[id].exact;
  const auto cells = cells_.cells_of(id);
  if (exact < before) return ok();
  while (exact < cells.size() && (exact == 0 || cells[exact - 1] < cells[exact])) ++exact;
  if (residents_[id].in_order) cut(id, exact);  // the rest was put before what it follows
  return ok();
}

/// Puts the state of `count` tokens behind those that the sequence has, and keeps the first `keep`.
Result<void> Sequences::write_behind(llama_seq_id id, std::uint32_t count, std::uint32_t keep,
                                     std::string_view state) {
  const auto before = static_cast<std::uint32_t>(cells_.cells_of(id).size());
  TRY_VOID(set_state(kScratch, count, state));
  llama_memory_seq_cp(memory_, kScratch, id, static_cast<llama_pos>(before),
                      static_cast<llama_pos>(before + keep));
  cells_.share(kScratch, id, keep);
  llama_memory_seq_rm(memory_, kScratch, -1, -1);
  cells_.cut(kScratch, 0);
  return ok();
}

/// Its state is read while its cells are in order, so it is written back in order.
bool Sequences::move(llama_seq_id id, std::uint32_t rows) {
  // What it shares stays with the others.
  if (!make_room(rows + cells_.shared_by(id))) return false;
  const std::uint32_t count = length(id);
  const auto state = copy_state(id, 0, count);
  if (!state.ok()) return false;
  llama_memory_seq_rm(memory_, id, -1, -1);
  cells_.cut(id, 0);
  if (!write_behind(id, count, count, state.value()).ok()) return false;
  ++moves_;
  return true;
}

std::uint32_t Sequences::reusable(std::span<const llama_token> prompt, const Wish& wish) const {
  if (!wish.reuse || wish.layout == Layout::Fresh) return 0;
  return best_match(prompt, wish.layout).tokens;
}

}  // namespace hearth::engine
