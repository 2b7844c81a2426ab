#pragma once
#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "engine/frames.h"
#include "engine/runtime/jobs.h"
#include "engine/runtime/loading.h"
#include "engine/runtime/sequences.h"
#include "engine/snapshot/library.h"
#include "engine/snapshot/pace.h"

namespace hearth::engine {

/// Between the scheduler and the snapshots on disk: what is saved and when, what is fetched for a
/// prompt, and putting it into the cache. Until the model is identified, nothing is. Scheduler
/// thread only, but for identify().
class Persistence {
 public:
  static constexpr std::uint32_t kSaveTokensMin = 16;  // fewer new ones wait for the next save
  static constexpr std::size_t kPiecesMax = 64;        // of one save; more fragmented: skipped
  static constexpr std::uint64_t kFetchedBytesMax = 512ull << 20;  // in memory at a time

  using OnChange = snapshot::Library::OnChange;
  /// What it borrows must outlive it.
  Persistence(const LoadedModel& model, Load load, Jobs& jobs, OnChange on_change);
  ~Persistence();

  /// The model's file is the one with this SHA-256. Only the first call counts. The reader's
  /// thread; waits a moment for the directory to be looked through, for the next prompt may need
  /// it.
  void identify(const std::string& fingerprint);

  /// True if a snapshot holds enough more of the job's prompt than what is resident: it is being
  /// read, and the job will come back through Jobs. At most once for each job.
  bool fetch(const std::shared_ptr<GenerateJob>& job, const Sequences& sequences,
             const Sequences::Wish& wish);
  /// Puts what was fetched for the job behind the claim's tokens and frees it.
  void restore(GenerateJob& job, Sequences& sequences, Sequences::Claim& claim);
  /// Saves the sequence's first `tokens`, if the job asked for it. Without can_cut these must be
  /// all that it has.
  void save(const GenerateJob& job, Sequences& sequences, llama_seq_id id,
            std::span<const llama_token> tokens);
  /// Prompt tokens were computed in that time.
  void computed(std::uint32_t tokens, double seconds) { pace_.computed(tokens, seconds); }

 private:
  std::size_t append_all(const GenerateJob& job, Sequences& sequences,
                         const Sequences::Claim& claim);
  Result<std::vector<snapshot::Segment>> copy_pieces(Sequences& sequences, llama_seq_id id,
                                                     std::span<const llama_token> tokens,
                                                     snapshot::Chain base) const;
  std::shared_ptr<const void> lease(std::uint64_t bytes);

  const LoadedModel& model_;
  const Load load_;
  Jobs& jobs_;
  const OnChange on_change_;
  std::shared_ptr<std::atomic<std::uint64_t>> fetched_bytes_;  // shared with jobs until they end
  snapshot::Pace pace_;
  std::unique_ptr<snapshot::Library> opened_;  // written once by the reader, before library_
  std::atomic<snapshot::Library*> library_ = nullptr;
};

}  // namespace hearth::engine
