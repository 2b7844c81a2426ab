#include "engine/runtime/persistence.h"

#include <algorithm>

#include "base/log.h"
#include "build-info.h"
#include "engine/builtin_model.h"
#include "engine/runtime/program_id.h"

namespace hearth::engine {
namespace {

using snapshot::Chain;
using snapshot::Digest;
using snapshot::Library;
using snapshot::Segment;
using snapshot::Tree;

constexpr Millis kFirstLookMax{250};

/// Everything that must be equal for saved state to mean the same, and to be the bytes that would
/// be computed.
Digest fingerprint_of(const LoadedModel& model, const LoadOptions& options,
                      const std::string& file) {
  const ModelFacts& facts = model.facts;
  std::string text = "model " + file;
  text += "\nkv " + std::to_string(static_cast<int>(model.kv_type));
  text += "\nflash " + std::string(model.kv_type == KvType::Q8_0 ? "on" : "auto");
  text += "\ngpu layers " + std::to_string(options.gpu_layers);
  for (const std::uint32_t number : {facts.layers, facts.embedding_length, facts.heads,
                                     facts.kv_heads, facts.key_length, facts.value_length})
    text += " " + std::to_string(number);
  text += "\nllama.cpp " + std::string(llama_build_info());
  text += "\nhearth " + program_id();
  text += "\ncpu " + std::string(llama_print_system_info());
  text += "\nadapters none";
  return snapshot::digest_of(text);
}

/// How many of a segment's tokens are those of the prompt at their place.
std::uint32_t common(const snapshot::Header& header, std::span<const llama_token> prompt) {
  if (header.start > prompt.size()) return 0;
  const auto rest = prompt.subspan(header.start);
  const auto ends =
      std::mismatch(header.tokens.begin(), header.tokens.end(), rest.begin(), rest.end());
  return static_cast<std::uint32_t>(ends.first - header.tokens.begin());
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

Persistence::Persistence(const LoadedModel& model, Load load, Jobs& jobs, OnChange on_change)
    : model_(model),
      load_(std::move(load)),
      jobs_(jobs),
      on_change_(std::move(on_change)),
      fetched_bytes_(std::make_shared<std::atomic<std::uint64_t>>(0)) {
  if (load_.path.empty()) identify(snapshot::to_hex(snapshot::digest_of(builtin_model_bytes())));
}

Persistence::~Persistence() = default;

void Persistence::identify(const std::string& fingerprint) {
  const SnapshotOptions& wanted = load_.snapshots;
  const bool able = model_.can_generate && !wanted.directory.empty() && wanted.bytes_max > 0;
  if (library_ || !able) return;
  Library::Options options{.directory = wanted.directory, .bytes_max = wanted.bytes_max};
  options.fingerprint = fingerprint_of(model_, load_.options, fingerprint);
  opened_ = std::make_unique<Library>(std::move(options), on_change_);
  opened_->wait_until_known(Call::within(kFirstLookMax));
  library_ = opened_.get();
}

// ---- from disk --------------------------------------------------------------------------------

/// Gives the memory back with whatever holds it last.
std::shared_ptr<const void> Persistence::lease(std::uint64_t bytes) {
  *fetched_bytes_ += bytes;
  return {nullptr, [total = fetched_bytes_, bytes](const void*) { *total -= bytes; }};
}

bool Persistence::fetch(const std::shared_ptr<GenerateJob>& job, const Sequences& sequences,
                        const Sequences::Wish& wish) {
  Library* const library = library_;
  if (!library || job->fetched || !wish.reuse) return false;
  // What must begin in an empty cache must not begin with what another batch has computed either.
  if (wish.layout == Sequences::Layout::Fresh) return false;
  const std::uint32_t resident = sequences.reusable(job->prompt.tokens, wish);
  // The last token is computed in any case, for its logits.
  const auto wanted = std::span(job->prompt.tokens).first(job->prompt.tokens.size() - 1);
  Chain chain = library->longest(wanted, model_.can_cut ? Tree::Last::Part : Tree::Last::Whole);
  std::erase_if(chain.links, [&](const snapshot::Link& link) { return link.end <= resident; });
  const std::uint64_t bytes = chain.state_bytes();
  if (chain.links.empty() || chain.tokens <= resident) return false;
  if (!pace_.is_worth({.tokens = chain.tokens - resident, .bytes = bytes})) return false;
  if (*fetched_bytes_ + bytes > kFetchedBytesMax) return false;
  return library->load(chain, [this, job, held = lease(bytes)](Library::Loaded loaded) {
    job->fetched = FetchedState{std::move(loaded), held};
    jobs_.give_back(job);
  });
}

void Persistence::restore(GenerateJob& job, Sequences& sequences, Sequences::Claim& claim) {
  if (!job.fetched || job.fetched->loaded.segments.empty()) return;
  if (!model_.can_cut && claim.reused > 0) {
    // What is resident is shorter, and nothing can be put behind it.
    sequences.release(claim.id, true);
    claim = sequences.claim(job.prompt.tokens, {.reuse = false});
  }
  const std::size_t segments = append_all(job, sequences, claim);
  const std::uint32_t now = sequences.length(claim.id);
  if (now > claim.reused) library_.load()->note_restored(segments, now - claim.reused);
  claim.reused = now;
  job.fetched->loaded.segments.clear();
  job.fetched->lease.reset();
}

/// Gives how many segments were put behind the claim's tokens.
std::size_t Persistence::append_all(const GenerateJob& job, Sequences& sequences,
                                    const Sequences::Claim& claim) {
  const auto begin = Clock::now();
  const auto wanted = std::span(job.prompt.tokens).first(job.prompt.tokens.size() - 1);
  std::size_t segments = 0;
  std::uint64_t bytes = 0;
  for (const Segment& segment : job.fetched->loaded.segments) {
    const snapshot::Header& header = segment.header;
    const std::uint32_t length = sequences.length(claim.id);
    if (header.end() <= length) continue;
    const std::uint32_t keep = common(header, wanted);
    const bool fits = header.start <= length && header.start + keep > length &&
                      (model_.can_cut || keep == header.tokens.size());
    if (!fits) break;
    if (header.start < length) sequences.cut(claim.id, header.start);
    const auto put = sequences.append_state(claim.id, header.tokens, segment.state(), keep);
    if (!put.ok() && put.error().code == Code::Corrupt) library_.load()->refuse(segment);
    if (!put.ok()) break;
    ++segments;
    bytes += header.state_bytes;
  }
  pace_.restored(bytes, seconds_since(begin) + job.fetched->loaded.seconds);
  return segments;
}

// ---- to disk ----------------------------------------------------------------------------------

void Persistence::save(const GenerateJob& job, Sequences& sequences, llama_seq_id id,
                       std::span<const llama_token> tokens) {
  Library* const library = library_;
  if (!library || !job.request.cache.persist || !job.request.cache_prompt) return;
  // Whoever continues it may need the very bits that an empty cache would give.
  if (model_.can_cut)
    tokens = tokens.first(std::min<std::size_t>(tokens.size(), sequences.exact(id)));
  Chain base = library->longest(tokens, Tree::Last::Whole);
  if (tokens.size() < base.tokens + std::size_t{kSaveTokensMin}) return;
  if (!model_.can_cut) base = {};
  auto pieces = copy_pieces(sequences, id, tokens, std::move(base));
  if (pieces.ok()) return library->save(std::move(pieces).value());
  log::debug("no snapshot: {}", pieces.error().message);
  library->note_skipped(1);
}

/// The segments that lead from the end of `base` to the end of `tokens`.
/// Errors: TooLarge (too many pieces), Internal.
Result<std::vector<Segment>> Persistence::copy_pieces(Sequences& sequences, llama_seq_id id,
                                                      std::span<const llama_token> tokens,
                                                      Chain base) const {
  // A way of full length is joined from its middle on; what is left of it goes unused.
  if (base.links.size() + 1 >= Tree::kChainMax) base.links.resize(Tree::kChainMax / 2);
  const bool begins = base.links.empty();
  Digest parent = begins ? snapshot::kNoDigest : base.links.back().name;
  std::uint32_t from = begins ? 0 : base.links.back().end;
  const auto to = static_cast<std::uint32_t>(tokens.size());
  std::vector<Segment> pieces;
  while (from < to) {
    const std::uint32_t limit =
        model_.can_cut ? std::min(to, from + snapshot::kSegmentTokensMax) : to;
    const std::uint32_t until = sequences.in_order_until(id, from, limit);
    if (pieces.size() == kPiecesMax || base.links.size() + pieces.size() == Tree::kChainMax)
      return Error{Code::TooLarge, "the sequence lies in too many pieces"};
    Segment piece;
    TRY(piece.bytes, sequences.copy_state(id, from, until));
    snapshot::Header& header = piece.header;
    header = {.fingerprint = library_.load()->fingerprint(), .parent = parent, .start = from};
    header.tokens.assign(tokens.begin() + from, tokens.begin() + until);
    header.name = snapshot::name_of(header.fingerprint, parent, from, header.tokens);
    header.state_bytes = piece.bytes.size();
    parent = header.name;
    from = until;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace hearth::engine
