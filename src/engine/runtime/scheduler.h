#pragma once
#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/cores/cores.h"
#include "engine/runtime/answer.h"
#include "engine/runtime/batch.h"
#include "engine/runtime/draft_policy.h"
#include "engine/runtime/embedder.h"
#include "engine/runtime/fair_queue.h"
#include "engine/runtime/jobs.h"
#include "engine/runtime/loading.h"
#include "engine/runtime/lookup.h"
#include "engine/runtime/outbox.h"
#include "engine/runtime/persistence.h"
#include "engine/runtime/prefill_pace.h"
#include "engine/runtime/promise.h"
#include "engine/runtime/sampler.h"
#include "engine/runtime/sequences.h"

namespace hearth::engine {

/// What StatsReply reports; written by the scheduler, read by anyone.
struct Counters {
  std::atomic<std::uint32_t> generating = 0, waiting = 0;
  std::atomic<std::uint64_t> prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0,
                             decode_steps = 0;
  std::atomic<std::uint32_t> kv_cells_used = 0, kv_cells = 0;
  Cell<PrefixUse> prefixes;
  CoreUseCell cores;
};

/// Runs all generations of one model together and owns its llama_context. Each step computes one
/// batch: the next token of every running answer first, then a chunk of the prompts that still
/// wait, so a long prompt never stalls a stream. One thread calls run(); everything it borrows must
/// outlive it.
class Scheduler {
 public:
  /// Errors: Unavailable (no context can be made).
  static Result<std::unique_ptr<Scheduler>> make(const LoadedModel& model, Jobs& jobs,
                                                 Outbox& outbox, Counters& counters,
                                                 Persistence& persistence);

  /// Works until the jobs are shut down.
  void run();

  /// Whether deterministic requests are served; runs the self-test. Call before run() only.
  /// Errors: InvalidInput (why they are not).
  Result<void> prove_deterministic() { return promise_.verdict(); }

 private:
  struct Running {
    std::shared_ptr<GenerateJob> job;
    Sequences::Claim claim;
    Sampler sampler;
    Answer answer;
    std::vector<llama_token>
        tokens;  // the prompt and what was generated; the sequence holds a prefix of it
    Clock::time_point started;
    std::uint32_t border = 0;  // a prefix to keep once it is computed; 0: none, or done
    Lookup lookup;
    bool may_draft = false;
    Clock::time_point first_token{};
    std::int32_t output = -1;          // where in the last batch its logits are; -1: nowhere
    std::vector<llama_token> draft{};  // in the last batch behind that; each with logits
    std::uint32_t match = 0;           // how many tokens agreed before the draft
    DraftRecord drafts{};
    std::uint32_t forced = 0;  // tokens said without sampling
    std::uint32_t left(const Sequences& sequences) const;
    bool decodes(const Sequences& sequences) const;
  };
  /// What the abort callback looks at while llama_decode runs; it is called from compute threads.
  struct Watch {
    const Jobs* jobs = nullptr;
    Cores* cores = nullptr;
    std::vector<const std::atomic<bool>*> cancelled;
  };

  Scheduler(const LoadedModel& model, Jobs& jobs, Outbox& outbox, Counters& counters,
            Persistence& persistence);

  void take_arrivals();
  void drop_cancelled();
  void admit();
  std::shared_ptr<GenerateJob> take_next();
  Result<void> start(const std::shared_ptr<GenerateJob>& job);
  Sequences::Wish wish_for(const chat::Request& request) const;
  void step_promise();
  static bool is_repeatable(const chat::Request& request);
  bool may_draft(const chat::Request& request) const;

  void step();
  void fill_batch();
  void share_out_prompts(std::uint32_t budget);
  void pad_batch();
  void take_padding_away();
  void save(const Running& running, std::uint32_t tokens);
  void add_tokens(Running& running, std::uint32_t count);
  Running* choose_draft();
  std::int32_t decode();
  std::uint32_t begin_computing(StepKind kind, std::uint32_t rows);
  void recover(std::int32_t status);
  std::uint32_t border_of(const GenerateJob& job) const;
  void keep_borders();

  using Ending = std::optional<chat::Finished>;
  void read_outputs();
  Result<Ending> read(Running& running);
  Result<Ending> advance(Running& running, std::int32_t row);
  Result<Ending> say_forced(Running& running);
  Result<Ending> say(Running& running, llama_token token, std::optional<chat::TokenChoice> choice);

  void step_embedding();
  /// `last`: the token that ended the answer.
  chat::Finished finished(const Running& running, chat::FinishReason reason,
                          llama_token last) const;
  void fail(const GenerateJob& job, Error error);
  void end(std::list<Running>::iterator running, chat::Event last, bool keep);
  void report_levels();
  static bool must_stop(void* watch);

  const LoadedModel& model_;
  Jobs& jobs_;
  Outbox& outbox_;
  Counters& counters_;
  Persistence& persistence_;
  llama_context_ptr context_;  // null for a model that only embeds
  std::unique_ptr<Sequences> sequences_;
  std::unique_ptr<Batch> batch_;   // null with the context
  std::uint32_t prompt_rows_ = 0;  // of the batch: what computes prompts
  std::uint32_t padding_ = 0;      // and what nobody reads
  PrefillPace pace_;
  Watch watch_;
  std::deque<std::shared_ptr<GenerateJob>> waiting_;
  FairTurns turns_;
  std::deque<std::shared_ptr<EmbedJob>> embeds_;
  Embedder embedder_;
  GrammarCache grammars_;
  Promise promise_;
  Cores cores_;
  StepKind step_kind_ = StepKind::Decode;
  DraftPolicy policy_;
  std::list<Running> running_;  // at most LoadedModel::slots, oldest first
};

}  // namespace hearth::engine
