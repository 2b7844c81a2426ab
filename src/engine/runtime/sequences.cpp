#include "engine/runtime/sequences.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {

Sequences::Sequences(llama_context* context, const Limits& limits)
    : context_(context),
      memory_(llama_get_memory(context)),
      limits_(limits),
      cells_(limits.cells, limits.sequences),
      residents_(limits.sequences) {
  if (limits.can_cut) residents_[kScratch].use = Use::Reserved;
}

Sequences::Claim Sequences::claim(std::span<const llama_token> prompt, const Wish& wish) {
  HEARTH_CHECK(wish.layout != Layout::InOrder || limits_.can_cut, "there is no map of the cells");
  const bool fresh = wish.layout == Layout::Fresh;
  if (fresh && !others_compute()) evict_all();
  const Match match = wish.reuse && !fresh ? best_match(prompt, wish.layout) : Match{};
  const Claim claim = match.tokens == 0 ? begin_empty() : reuse(match);
  ++(match.tokens == 0 ? misses_ : hits_);
  residents_[claim.id].in_order = wish.layout == Layout::InOrder;
  return claim;
}

Sequences::Match Sequences::best_match(std::span<const llama_token> prompt, Layout layout) const {
  Match best;
  const auto wanted = prompt.first(prompt.size() - 1);  // the last token's logits are needed
  for (std::size_t i = 0; i < residents_.size(); ++i) {
    const Resident& resident = residents_[i];
    if (resident.use == Use::Free) continue;
    const auto ends =
        std::mismatch(wanted.begin(), wanted.end(), resident.tokens.begin(), resident.tokens.end());
    auto common = static_cast<std::uint32_t>(ends.first - wanted.begin());
    if (layout == Layout::InOrder) common = std::min(common, resident.exact);
    const bool whole = common == resident.tokens.size() && resident.use == Use::Idle;
    if (!limits_.can_cut && !whole) continue;
    // Among equals the one that can be continued in place is better than a fork.
    if (common > best.tokens || (common == best.tokens && common > 0 && whole)) {
      best = {static_cast<llama_seq_id>(i), common};
    }
  }
  return best;
}

Sequences::Claim Sequences::reuse(const Match& match) {
  Resident& found = residents_[match.id];
  found.used_at = ++ticks_;
  const bool whole = found.is_idle() && found.tokens.size() == match.tokens;
  if (!whole || found.is_prefix) return fork(match);
  found.use = Use::Computing;
  return {match.id, match.tokens};
}

/// What follows the shared part stays for whoever asks next. Sharing costs no cells, but where
/// state cannot be cut it is copied whole.
Sequences::Claim Sequences::fork(const Match& match) {
  const Use use = residents_[match.id].use;
  residents_[match.id].use = Use::Computing;  // free_id() must not evict it
  const llama_seq_id id = free_id();
  residents_[match.id].use = use;
  if (limits_.can_cut) {
    llama_memory_seq_cp(memory_, match.id, id, 0, static_cast<llama_pos>(match.tokens));
    cells_.share(match.id, id, match.tokens);
  } else {
    llama_memory_seq_cp(memory_, match.id, id, -1, -1);
  }
  const std::vector<llama_token>& source = residents_[match.id].tokens;
  residents_[id] = {.use = Use::Computing,
                    .tokens = {source.begin(), source.begin() + match.tokens},
                    .exact = std::min(residents_[match.id].exact, match.tokens),
                    .used_at = ++ticks_};
  return {id, match.tokens};
}

void Sequences::keep_prefix(llama_seq_id id, std::uint32_t tokens, const std::string& pin) {
  HEARTH_CHECK(tokens > 0 && tokens <= length(id), "only what was computed can be kept");
  if (!limits_.can_cut && tokens != length(id)) return;
  const std::span<const llama_token> wanted(residents_[id].tokens.data(), tokens);
  Resident* kept = nullptr;
  for (Resident& resident : residents_) {
    if (resident.is_idle() && resident.is_prefix && std::ranges::equal(resident.tokens, wanted))
      kept = &resident;
    if (!pin.empty() && resident.pin == pin) resident.pin.clear();
  }
  if (!kept) kept = &residents_[fork({id, tokens}).id];
  kept->use = Use::Idle;
  kept->is_prefix = true;
  kept->used_at = ++ticks_;
  if (pin.empty()) return;
  kept->pin = pin;
  bound_pins();
}

void Sequences::bound_pins() {
  for (;;) {
    std::uint64_t tokens = 0;
    Resident* oldest = nullptr;
    for (Resident& resident : residents_) {
      if (!resident.is_pinned()) continue;
      tokens += resident.tokens.size();
      if (!oldest || resident.used_at < oldest->used_at) oldest = &resident;
    }
    if (!oldest || (pinned() <= kPinsMax && tokens <= limits_.cells / 2)) return;
    oldest->pin.clear();
  }
}

Sequences::Claim Sequences::begin_empty() {
  const llama_seq_id id = free_id();
  residents_[id].use = Use::Computing;
  return {id, 0};
}

llama_seq_id Sequences::free_id() {
  const auto is_free = [](const Resident& resident) { return resident.use == Use::Free; };
  auto found = std::find_if(residents_.begin(), residents_.end(), is_free);
  if (found == residents_.end()) {
    HEARTH_CHECK(evict_one(), "there are more sequences than generations");
    found = std::find_if(residents_.begin(), residents_.end(), is_free);
  }
  return static_cast<llama_seq_id>(found - residents_.begin());
}

void Sequences::empty(llama_seq_id id) {
  llama_memory_seq_rm(memory_, id, -1, -1);  // removing a whole sequence never fails
  if (limits_.can_cut) cells_.cut(id, 0);
  residents_[id].tokens.clear();
  residents_[id].exact = 0;
}

void Sequences::release(llama_seq_id id, bool keep) {
  Resident& resident = residents_[id];
  HEARTH_CHECK(resident.use == Use::Computing, "only a claimed sequence can be released");
  resident.in_order = false;
  if (keep && !resident.tokens.empty() && !is_kept_elsewhere(id)) {
    resident.use = Use::Idle;
    resident.used_at = ++ticks_;
    return;
  }
  let_go(resident);
}

/// True if another kept sequence begins with all of this one; that one counts as used then. The
/// newer of two goes, not the older: its cells are the last ones, so that no hole is left.
bool Sequences::is_kept_elsewhere(llama_seq_id id) {
  if (!limits_.can_cut) return false;
  const std::vector<llama_token>& mine = residents_[id].tokens;
  for (Resident& other : residents_) {
    if (!other.is_idle() || other.tokens.size() < mine.size()) continue;
    if (other.exact < residents_[id].exact) continue;
    if (!std::equal(mine.begin(), mine.end(), other.tokens.begin())) continue;
    other.used_at = ++ticks_;
    return true;
  }
  return false;
}

void Sequences::let_go(Resident& resident) {
  empty(static_cast<llama_seq_id>(&resident - residents_.data()));
  resident = {};
}

bool Sequences::evict_one() {
  Resident* oldest = nullptr;
  const auto order = [](const Resident& r) { return std::pair(r.is_pinned(), r.used_at); };
  for (Resident& resident : residents_) {
    if (!resident.is_idle()) continue;
    if (!oldest || order(resident) < order(*oldest)) oldest = &resident;
  }
  if (!oldest) return false;
  let_go(*oldest);
  ++evictions_;
  return true;
}

void Sequences::evict_all() {
  while (evict_one()) {
  }
  // Also puts llama.cpp's search for cells back to the first one.
  if (!others_compute()) {
    llama_memory_clear(memory_, false);
    cells_ = CellMap(limits_.cells, limits_.sequences);
  }
}

bool Sequences::make_room(std::uint32_t cells) {
  while (free_cells() < cells) {
    if (!evict_one()) return false;
  }
  return true;
}

bool Sequences::keep_order(std::span<const llama_seq_id> owners) {
  if (!limits_.can_cut) return true;
  // Each move leaves no hole below the moved sequence, and none of the others gets one by it; only
  // evictions make new ones, and there are fewer of them each time.
  while (const auto id = leaves_order(owners)) {
    if (move(*id, static_cast<std::uint32_t>(owners.size()))) continue;
    empty(*id);
    return false;
  }
  return true;
}

/// A sequence that the batch would take out of its order.
std::optional<llama_seq_id> Sequences::leaves_order(std::span<const llama_seq_id> owners) const {
  const auto ordered = [this](llama_seq_id id) { return residents_[id].in_order; };
  if (std::none_of(owners.begin(), owners.end(), ordered)) return std::nullopt;
  const std::vector<std::uint32_t> cells = cells_.foresee(owners.size());
  std::vector<std::int64_t> last(limits_.sequences, -1);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const llama_seq_id id = owners[i];
    const auto held = cells_.cells_of(id);
    const std::int64_t before = last[id] >= 0 || held.empty() ? last[id] : held.back();
    if (ordered(id) && cells[i] < before) return id;
    last[id] = cells[i];
  }
  return std::nullopt;
}

void Sequences::computed(std::span<const llama_seq_id> owners,
                         std::span<const llama_token> tokens) {
  if (limits_.can_cut) cells_.place(owners);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    Resident& resident = residents_[owners[i]];
    const std::size_t place = resident.tokens.size();
    const auto cells =
        limits_.can_cut ? cells_.cells_of(owners[i]) : std::span<const std::uint32_t>();
    const bool rises = place < cells.size() && (place == 0 || cells[place - 1] < cells[place]);
    if (resident.exact == place && rises) ++resident.exact;
    resident.tokens.push_back(tokens[i]);
  }
}

void Sequences::cut(llama_seq_id id, std::uint32_t length) {
  std::vector<llama_token>& tokens = residents_[id].tokens;
  if (length >= tokens.size()) return;
  HEARTH_CHECK(limits_.can_cut, "nothing is computed on trial where it cannot be taken back");
  llama_memory_seq_rm(memory_, id, static_cast<llama_pos>(length), -1);
  cells_.cut(id, length);
  tokens.resize(length);
  residents_[id].exact = std::min(residents_[id].exact, length);
}

void Sequences::aborted(std::span<const llama_seq_id> owners) {
  // llama_decode has placed the tokens and then removed them, sequence by sequence in rising order.
  if (limits_.can_cut) cells_.place(owners);
  std::vector<llama_seq_id> touched(owners.begin(), owners.end());
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const llama_seq_id id : touched) {
    if (limits_.can_cut) cells_.cut(id, length(id));
    check_step(id);
  }
}

/// A recurrent state cannot be taken back by one batch: whatever does not end where our record ends
/// is computed again.
void Sequences::check_step(llama_seq_id id) {
  const llama_pos last = llama_memory_seq_pos_max(memory_, id);
  if (limits_.can_cut && last + 1 == static_cast<llama_pos>(length(id))) return;
  empty(id);
}

std::uint32_t Sequences::kept() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(residents_, &Resident::is_idle));
}

std::uint32_t Sequences::pinned() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(residents_, &Resident::is_pinned));
}

std::uint32_t Sequences::used_cells() const {
  if (limits_.can_cut) return cells_.used();
  std::uint64_t tokens = 0;
  for (const Resident& resident : residents_) tokens += resident.tokens.size();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(tokens, limits_.cells));
}

bool Sequences::others_compute() const {
  return std::any_of(residents_.begin(), residents_.end(),
                     [](const Resident& r) { return r.use == Use::Computing; });
}

}  // namespace hearth::engine
