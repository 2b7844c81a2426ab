#include "engine/runtime/self_check.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/fields.h"
#include "engine/runtime/batch.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

constexpr llama_seq_id kSequences = 6;
constexpr llama_seq_id kNeighbours = 3;
constexpr std::uint32_t kTail = 8;  // tokens at the end that are computed one by one

}  // namespace

/// One way of computing the same tokens.
struct SelfCheck::Comparison {
  enum class Cut : std::uint8_t { Whole, Tail, Tokens, Chunks };
  enum class Twist : std::uint8_t { None, Neighbours, Restore, Again, Fork, Gaps };
  const char* name;
  bool quick;
  Cut cut = Cut::Whole;
  std::uint32_t size =
      0;  // Tail: tokens of the last batch; Tokens: how many alone; Chunks: of each
  Twist twist = Twist::None;
  llama_seq_id sequence = 0;
  bool other_threads = false;
};

/// The context, the tokens, and what is done with them.
class SelfCheck::Bench {
 public:
  static Result<std::unique_ptr<Bench>> make(const LoadedModel& model, std::uint32_t tokens);
  Bench(const Bench&) = delete;
  ~Bench() = default;

  /// The logits after the last token, computed that way in an empty cache.
  Result<std::vector<float>> run(const Comparison& way);

 private:
  Bench(const LoadedModel& model, llama_context_ptr context, std::uint32_t tokens);
  using Cut = Comparison::Cut;
  using Twist = Comparison::Twist;

  std::vector<std::uint32_t> ends(const Comparison& way) const;
  Result<void> compute(llama_seq_id sequence, std::uint32_t from, std::uint32_t to,
                       bool neighbours);
  Result<void> decode();
  llama_seq_id twist(const Comparison& way, std::uint32_t length);
  std::uint32_t room(bool neighbours) const;

  const std::int32_t vocabulary_;
  const std::int32_t threads_;
  llama_context_ptr context_;
  llama_memory_t memory_;
  Batch batch_;
  std::vector<llama_token> tokens_;
  std::uint32_t neighbour_tokens_ = 0;
  std::int32_t row_ = 0;  // of the last token in the last batch
};

SelfCheck::Bench::Bench(const LoadedModel& model, llama_context_ptr context, std::uint32_t tokens)
    : vocabulary_(model.vocabulary()),
      threads_(static_cast<std::int32_t>(model.threads)),
      context_(std::move(context)),
      memory_(llama_get_memory(context_.get())),
      batch_(llama_n_batch(context_.get())) {
  std::mt19937 random(7);
  for (std::uint32_t i = 0; i < tokens; ++i)
    tokens_.push_back(static_cast<llama_token>(random() % static_cast<unsigned>(vocabulary_)));
}

Result<std::unique_ptr<SelfCheck::Bench>> SelfCheck::Bench::make(const LoadedModel& model,
                                                                 std::uint32_t tokens) {
  // The tokens twice (a fork that is written anew), and a neighbour's for each of them.
  const std::uint32_t cells = tokens * (2 + kNeighbours);
  TRY(auto context, make_generating_context(model, kSequences, cells));
  return std::unique_ptr<Bench>(new Bench(model, std::move(context), tokens));
}

std::uint32_t SelfCheck::Bench::room(bool neighbours) const {
  return llama_n_batch(context_.get()) - (neighbours ? kNeighbours : 0);
}

/// Where each batch ends.
std::vector<std::uint32_t> SelfCheck::Bench::ends(const Comparison& way) const {
  const auto count = static_cast<std::uint32_t>(tokens_.size());
  const std::uint32_t chunk = way.cut == Cut::Chunks ? way.size : count;
  const std::uint32_t last = way.cut == Cut::Tail ? way.size == 0 ? count / 2 : way.size : 0;
  const std::uint32_t alone = way.cut == Cut::Tokens ? way.size == 0 ? count : way.size : 0;
  const std::uint32_t head = count - last - std::min(alone, count);
  const std::uint32_t step = std::min(chunk, room(way.twist == Twist::Neighbours));
  std::vector<std::uint32_t> ends;
  for (std::uint32_t at = 0; at < head;) ends.push_back(at = std::min(head, at + step));
  for (std::uint32_t at = head; at < head + last;)
    ends.push_back(at = std::min(head + last, at + step));
  for (std::uint32_t at = head + last; at < count;) ends.push_back(++at);
  return ends;
}

Result<void> SelfCheck::Bench::decode() {
  TRY(const std::int32_t status, guarded(Code::Internal, "computing failed", [&] {
        return llama_decode(context_.get(), batch_.raw());
      }));
  if (status == 0) return ok();
  return Error{Code::Internal, "llama.cpp could not compute (" + std::to_string(status) + ")"};
}

/// Tokens [from, to) in one batch; a token of each neighbour stands before them.
Result<void> SelfCheck::Bench::compute(llama_seq_id sequence, std::uint32_t from, std::uint32_t to,
                                       bool neighbours) {
  using Logits = Batch::Logits;
  batch_.clear();
  for (llama_seq_id other = 0; neighbours && other <= kNeighbours; ++other) {
    if (other == sequence) continue;
    const std::uint32_t which = neighbour_tokens_ % static_cast<std::uint32_t>(tokens_.size());
    batch_.add((tokens_[which] + other + 1) % vocabulary_, neighbour_tokens_, other, Logits::No);
  }
  if (neighbours) ++neighbour_tokens_;
  for (std::uint32_t i = from; i < to; ++i)
    row_ = batch_.add(tokens_[i], i, sequence, i + 1 == to ? Logits::Yes : Logits::No);
  return decode();
}

/// Does to the first `length` tokens what must not change anything; the sequence that goes on.
llama_seq_id SelfCheck::Bench::twist(const Comparison& way, std::uint32_t length) {
  const llama_seq_id here = way.sequence, other = here + 1;
  llama_context* context = context_.get();
  if (way.twist == Twist::Restore) {
    std::vector<std::uint8_t> state(llama_state_seq_get_size(context, here));
    llama_state_seq_get_data(context, state.data(), state.size(), here);
    llama_memory_seq_rm(memory_, here, -1, -1);
    llama_state_seq_set_data(context, state.data(), state.size(), other);
    return other;
  }
  if (way.twist == Twist::Fork) {
    llama_memory_seq_cp(memory_, here, other, 0, static_cast<llama_pos>(length));
    return other;
  }
  return here;
}

Result<std::vector<float>> SelfCheck::Bench::run(const Comparison& way) {
  llama_memory_clear(memory_, false);
  neighbour_tokens_ = 0;
  const std::int32_t other_threads = threads_ == 1 ? 2 : 1;
  const std::int32_t threads = way.other_threads ? other_threads : threads_;
  llama_set_n_threads(context_.get(), threads, threads);
  const auto count = static_cast<std::uint32_t>(tokens_.size());
  const bool neighbours = way.twist == Twist::Neighbours;
  if (way.twist == Twist::Gaps) {
    // Others held the first cells and the ones in the middle.
    TRY_VOID(compute(way.sequence + 1, 0, kTail, false));
  }
  llama_seq_id sequence = way.sequence;
  std::uint32_t from = 0;
  for (const std::uint32_t to : ends(way)) {
    if (to == count) sequence = twist(way, from);
    if (to == count && way.twist == Twist::Again) {
      // Computed, taken away, and computed again.
      TRY_VOID(compute(sequence, from, to, false));
      llama_memory_seq_rm(memory_, sequence, static_cast<llama_pos>(from), -1);
    }
    TRY_VOID(compute(sequence, from, to, neighbours));
    if (way.twist == Twist::Gaps && to < count) TRY_VOID(compute(sequence + 2, from, to, false));
    from = to;
  }
  const float* logits = llama_get_logits_ith(context_.get(), row_);
  if (!logits) return Error{Code::Internal, "llama.cpp gave no logits"};
  return std::vector<float>(logits, logits + vocabulary_);
}

const std::vector<SelfCheck::Comparison>& SelfCheck::comparisons() {
  using Cut = Comparison::Cut;
  using Twist = Comparison::Twist;
  static const std::vector<Comparison> all = {
      {"the same again", false},
      {"another number of threads", true, Cut::Whole, 0, Twist::None, 0, true},
      {"chunks of 64", false, Cut::Chunks, 64},
      {"chunks of 16", true, Cut::Chunks, 16},
      {"the last token alone", true, Cut::Tail, 1},
      {"the last 2 together", false, Cut::Tail, 2},
      {"the last 3 together", true, Cut::Tail, 3},
      {"the last 4 together", false, Cut::Tail, 4},
      {"the last 8 together", false, Cut::Tail, 8},
      {"two halves", false, Cut::Tail, 0},
      {"token by token", false, Cut::Tokens, 0},
      {"the tail token by token", false, Cut::Tokens, kTail},
      {"another sequence", false, Cut::Whole, 0, Twist::None, 3},
      {"token by token beside 3 others", false, Cut::Tokens, 0, Twist::Neighbours},
      {"token by token beside 3 others, as the last", false, Cut::Tokens, 0, Twist::Neighbours, 3},
      {"the tail token by token beside 3 others", true, Cut::Tokens, kTail, Twist::Neighbours, 3},
      {"at once beside 3 others", false, Cut::Whole, 0, Twist::Neighbours},
      {"restored from a saved state", true, Cut::Tail, 1, Twist::Restore},
      {"taken away and computed again", true, Cut::Tail, 5, Twist::Again},
      {"as a fork", false, Cut::Tail, 1, Twist::Fork},
      {"cells of others in between", false, Cut::Chunks, 16, Twist::Gaps},
  };
  return all;
}

SelfCheck::SelfCheck(Extent extent) : extent_(extent) {}
SelfCheck::~SelfCheck() = default;

Result<std::unique_ptr<SelfCheck>> SelfCheck::make(const LoadedModel& model, Extent extent,
                                                   std::uint32_t tokens) {
  if (tokens < kTokensMin || tokens > kTokensMax)
    return field_error("tokens", "a number from 24 to 4096 is required");
  std::unique_ptr<SelfCheck> test(new SelfCheck(extent));
  TRY(test->bench_, Bench::make(model, tokens));
  return test;
}

Result<bool> SelfCheck::step() {
  const auto& all = comparisons();
  if (bench_ && expected_.empty()) {
    TRY(expected_, bench_->run({"one straight computation", true}));
    return true;
  }
  while (next_ < all.size() && extent_ == Extent::Quick && !all[next_].quick) ++next_;
  if (next_ == all.size()) {
    bench_.reset();
    return false;
  }
  const Comparison& way = all[next_++];
  TRY(const auto got, bench_->run(way));
  const bool same = std::memcmp(got.data(), expected_.data(), got.size() * sizeof(float)) == 0;
  outcomes_.push_back({way.name, same});
  return true;
}

std::string SelfCheck::first_difference() const {
  const auto found = std::find_if(outcomes_.begin(), outcomes_.end(),
                                  [](const Outcome& outcome) { return !outcome.same; });
  return found == outcomes_.end() ? "" : found->name;
}

}  // namespace hearth::engine
