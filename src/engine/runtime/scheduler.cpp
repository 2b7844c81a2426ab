#include "engine/runtime/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "engine/runtime/guard.h"
#include "engine/runtime/llama_log.h"
#include "engine/runtime/trace.h"

namespace hearth::engine {
namespace {

constexpr std::uint32_t kIdleSequencesMax = 200;  // kept for later prompts, beside the running ones
constexpr std::uint32_t kIdleSequencesMaxRecurrent = 4;  // each holds a state of full size
constexpr std::uint32_t kDeterministicSeed = 0;          // of a request that gives none
constexpr std::int32_t kMakeBatchAnew = 3;               // beside the statuses of llama_decode()

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

Error cancelled_error() { return {Code::Cancelled, "the request was cancelled"}; }

}  // namespace

std::uint32_t Scheduler::Running::left(const Sequences& sequences) const {
  return static_cast<std::uint32_t>(tokens.size()) - sequences.length(claim.id);
}

bool Scheduler::Running::decodes(const Sequences& sequences) const {
  return answer.tokens() > 0 && sequences.length(claim.id) >= job->prompt.tokens.size();
}

Scheduler::Scheduler(const LoadedModel& model, Jobs& jobs, Outbox& outbox, Counters& counters,
                     Persistence& persistence)
    : model_(model),
      jobs_(jobs),
      outbox_(outbox),
      counters_(counters),
      persistence_(persistence),
      pace_(model.prefill_chunk_tokens, model.row_groups),
      embedder_(model),
      grammars_(model.vocab()),
      promise_(model),
      cores_({.threads = model.threads,
              .cores = model.cores,
              .fixed = model.threads_fixed,
              .can_restart = model.can_cut,
              .board = model.core_board},
             counters.cores),
      policy_(model.row_groups) {
  watch_.jobs = &jobs;
  watch_.cores = &cores_;
}

Result<std::unique_ptr<Scheduler>> Scheduler::make(const LoadedModel& model, Jobs& jobs,
                                                   Outbox& outbox, Counters& counters,
                                                   Persistence& persistence) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(model, jobs, outbox, counters, persistence));
  if (!model.can_generate) return scheduler;
  const std::uint32_t idle = model.can_cut ? kIdleSequencesMax : kIdleSequencesMaxRecurrent;
  const std::uint32_t sequences = model.slots + idle + 1;
  TRY(scheduler->context_, make_generating_context(model, sequences));
  llama_context* context = scheduler->context_.get();
  llama_set_abort_callback(context, &Scheduler::must_stop, &scheduler->watch_);
  const Sequences::Limits limits{
      .cells = llama_n_ctx(context), .sequences = sequences, .can_cut = model.can_cut};
  scheduler->sequences_ = std::make_unique<Sequences>(context, limits);
  scheduler->batch_ = std::make_unique<Batch>(llama_n_batch(context));
  counters.kv_cells = limits.cells;
  return scheduler;
}

void Scheduler::run() {
  while (!jobs_.is_shut_down()) {
    take_arrivals();
    drop_cancelled();
    admit();
    if (!running_.empty()) step();
    step_embedding();
    step_promise();
    report_levels();
  }
}

void Scheduler::take_arrivals() {
  const bool nothing_to_do = running_.empty() && waiting_.empty() && embeds_.empty() &&
                             !embedder_.is_busy() && !promise_.is_busy();
  if (nothing_to_do) cores_.idle();
  for (Job& job : jobs_.take(nothing_to_do)) {
    if (auto* generate = std::get_if<std::shared_ptr<GenerateJob>>(&job)) {
      if ((*generate)->fetched) {
        waiting_.push_front(std::move(*generate));  // from the disk; it had its turn before
      } else if ((*generate)->request.deterministic) {
        promise_.hold(std::move(*generate));
      } else {
        waiting_.push_back(std::move(*generate));
      }
    }
    if (auto* embed = std::get_if<std::shared_ptr<EmbedJob>>(&job))
      embeds_.push_back(std::move(*embed));
  }
}

/// Deterministic requests join the line once it is known whether the promise can be made.
void Scheduler::step_promise() {
  promise_.step();
  for (auto& job : promise_.take_decided()) {
    const auto kept = promise_.verdict();
    if (kept.ok()) {
      waiting_.push_back(std::move(job));
    } else {
      fail(*job, kept.error());
    }
  }
}

void Scheduler::drop_cancelled() {
  std::erase_if(waiting_, [this](const auto& job) {
    if (!job->cancelled) return false;
    fail(*job, cancelled_error());
    return true;
  });
  for (auto it = running_.begin(); it != running_.end();) {
    const auto running = it++;
    if (!running->job->cancelled) continue;
    end(running, chat::Failed{cancelled_error()}, running->job->request.cache_prompt);
  }
}

void Scheduler::admit() {
  while (running_.size() < model_.slots && !waiting_.empty()) {
    const std::shared_ptr<GenerateJob> job = take_next();
    const auto started = start(job);
    if (!started.ok()) fail(*job, started.error());
  }
}

std::shared_ptr<GenerateJob> Scheduler::take_next() {
  std::vector<Account> waiting, running;
  for (const auto& job : waiting_) waiting.push_back(job->request.account);
  for (const Running& one : running_) running.push_back(one.job->request.account);
  const auto next = waiting_.begin() + static_cast<std::ptrdiff_t>(turns_.next(waiting, running));
  std::shared_ptr<GenerateJob> job = std::move(*next);
  waiting_.erase(next);
  return job;
}

Result<void> Scheduler::start(const std::shared_ptr<GenerateJob>& job) {
  const chat::Request& request = job->request;
  const auto prompt_tokens = static_cast<std::uint32_t>(job->prompt.tokens.size());
  const std::uint32_t room = model_.context_tokens - prompt_tokens;  // checked when it arrived
  const std::uint32_t tokens_max = std::min(room, request.tokens_max.value_or(room));
  const std::uint32_t any =
      request.deterministic ? kDeterministicSeed : static_cast<std::uint32_t>(random_u64());
  const std::uint32_t seed = request.sampling.seed.value_or(any);
  TRY(Sampler sampler, Sampler::make(model_, request, job->prompt, seed, grammars_));

  const auto now = Clock::now();
  if (tokens_max == 0) {
    outbox_.post(GenerateEvent{job->id, chat::Started{.prompt_tokens = prompt_tokens,
                                                      .seed = seed,
                                                      .deterministic = request.deterministic,
                                                      .loosened = job->prompt.loosened}});
    chat::Finished nothing{.reason = chat::FinishReason::Length,
                           .usage = {.prompt_tokens = prompt_tokens}};
    nothing.timings.queued_ms = ms_between(job->arrived, now);
    nothing.trace = trace_of(*job, job->prompt.tokens, prompt_tokens);
    outbox_.post(GenerateEvent{job->id, std::move(nothing)});
    jobs_.forget(job->id);
    return ok();
  }
  const Sequences::Wish wish = wish_for(request);
  if (persistence_.fetch(job, *sequences_, wish)) return ok();  // it comes back
  // What must begin the answer is computed with the prompt, as if it were a part of it.
  std::vector<llama_token> tokens = job->prompt.tokens;
  for (const llama_token token : sampler.forced()) {
    if (tokens.size() - prompt_tokens == tokens_max) break;
    if (llama_vocab_is_eog(model_.vocab(), token)) break;  // has its turn when the prompt is done
    TRY_VOID(sampler.accept(token));
    tokens.push_back(token);
  }
  Sequences::Claim claim = sequences_->claim(job->prompt.tokens, wish);
  persistence_.restore(*job, *sequences_, claim);
  running_.push_back({.job = job,
                      .claim = claim,
                      .sampler = std::move(sampler),
                      .answer = Answer(model_, *job, tokens_max),
                      .tokens = std::move(tokens),
                      .started = now,
                      .border = border_of(*job),
                      .lookup = Lookup(prompt_tokens + tokens_max),
                      .may_draft = may_draft(request),
                      .drafts = policy_.new_record()});
  counters_.prompt_tokens += prompt_tokens;
  counters_.cached_tokens += claim.reused;
  outbox_.post(GenerateEvent{job->id, chat::Started{prompt_tokens, claim.reused, seed,
                                                    request.deterministic, job->prompt.loosened}});
  return ok();
}

/// The same bytes are wanted for the same seed.
bool Scheduler::is_repeatable(const chat::Request& request) {
  return request.deterministic || (request.sampling.seed && !request.cache.before_seed);
}

/// Where results depend on batching, a request that is to be repeatable gets none: how drafts fare
/// beside others must not show in its answer.
bool Scheduler::may_draft(const chat::Request& request) const {
  return model_.can_cut && request.lookup && (model_.batch_invariant || !is_repeatable(request));
}

/// The same request with the same seed must give the same bytes when nothing runs beside it. Where
/// results do not depend on batching, it is enough that the sequence lies in its cells in order;
/// then it gives them always. Elsewhere they depend on which tokens were computed together and even
/// on where in the cache they lie, so such a request begins in an empty cache, and its prompt is
/// computed in whole chunks.
Sequences::Wish Scheduler::wish_for(const chat::Request& request) const {
  Sequences::Wish wish{.reuse = request.cache_prompt};
  // What goes to disk must be what an empty cache would give, whoever continues it later.
  const bool saved = request.cache.persist && request.cache_prompt && model_.can_cut;
  if (saved) wish.layout = Sequences::Layout::InOrder;
  if (!is_repeatable(request)) return wish;
  wish.layout = model_.batch_invariant ? Sequences::Layout::InOrder : Sequences::Layout::Fresh;
  return wish;
}

void Scheduler::step() {
  fill_batch();
  const auto begun = Clock::now();
  const std::int32_t status = decode();
  if (status != 0) return recover(status);
  const double step_ms = ms_between(begun, Clock::now());
  pace_.note(prompt_rows_, batch_->size() - prompt_rows_ - padding_, step_ms);
  sequences_->computed(batch_->owners(), batch_->tokens());
  take_padding_away();
  keep_borders();
  ++counters_.decode_steps;
  const bool only_answers =
      std::all_of(running_.begin(), running_.end(), [](const Running& r) { return r.output >= 0; });
  if (only_answers) policy_.note_step(batch_->size(), step_ms);
  read_outputs();
}

/// The one that drafts comes last: the cells of what turns out wrong are then those behind all
/// others, and every sequence stays in the order of its cells.
void Scheduler::fill_batch() {
  batch_->clear();
  watch_.cancelled.clear();
  Running* const drafts = choose_draft();
  std::uint32_t budget = model_.prefill_chunk_tokens;
  for (Running& running : running_) {
    running.output = -1;
    if (&running == drafts || !running.decodes(*sequences_)) continue;
    // More than one where the grammar has forced some; these share the room for prompts.
    const std::uint32_t more = std::min(running.left(*sequences_) - 1, budget);
    add_tokens(running, 1 + more);
    budget -= more;
  }
  const std::uint32_t decoded_rows = batch_->size();
  share_out_prompts(std::min(budget, pace_.chunk(decoded_rows)));
  prompt_rows_ = batch_->size() - decoded_rows;
  step_kind_ = prompt_rows_ > 0 ? StepKind::Prefill : StepKind::Decode;
  if (drafts) {
    add_tokens(*drafts, 1);
    for (std::size_t i = 0; i < drafts->draft.size(); ++i) {
      batch_->add(drafts->draft[i], static_cast<std::uint32_t>(drafts->tokens.size() + i),
                  drafts->claim.id, Batch::Logits::Yes);
    }
  }
  pad_batch();
}

/// Rows that nobody reads, where the kernels take no longer with them. They continue the last
/// sequence, for the same reason as a draft.
void Scheduler::pad_batch() {
  padding_ = 0;
  const std::uint32_t rows = batch_->size();
  const std::uint32_t wanted = model_.row_groups.padding(rows);
  if (!model_.can_cut || rows == 0 || wanted > batch_->room()) return;
  if (rows + wanted > sequences_->free_cells()) return;  // nobody is evicted for it
  const llama_seq_id owner = batch_->owners().back();
  const llama_pos last = batch_->raw().pos[rows - 1];
  for (; padding_ < wanted; ++padding_) {
    batch_->add(batch_->tokens().back(), static_cast<std::uint32_t>(last) + 1 + padding_, owner,
                Batch::Logits::No);
  }
}

void Scheduler::take_padding_away() {
  if (padding_ == 0) return;
  const llama_seq_id owner = batch_->owners().back();
  sequences_->cut(owner, sequences_->length(owner) - padding_);
}

/// The answer that drafts in the next batch, with its draft; null if none should. One for each
/// batch, and none beside a prompt: a few rows more would cost it dearly.
Scheduler::Running* Scheduler::choose_draft() {
  std::uint32_t rows = 0;
  for (Running& running : running_) {
    running.draft.clear();
    if (!running.decodes(*sequences_)) return nullptr;
    rows += running.left(*sequences_);
  }
  if (rows >= DraftPolicy::kRowsMax) return nullptr;
  Running* best = nullptr;
  for (Running& running : running_) {
    if (!running.may_draft || running.left(*sequences_) != 1) continue;
    // The last token of an answer needs no draft behind it.
    const std::uint32_t most =
        std::min(running.answer.tokens_left() - 1, DraftPolicy::kRowsMax - rows);
    Lookup::Guess guess = running.lookup.draft(running.tokens, most);
    if (guess.tokens.empty()) continue;
    running.match = guess.match;
    if (best && running.drafts.chance(running.match) <= best->drafts.chance(best->match)) continue;
    if (best) best->draft.clear();
    best = &running;
    best->draft = std::move(guess.tokens);
  }
  if (!best) return nullptr;
  const auto most = static_cast<std::uint32_t>(best->draft.size());
  const std::uint32_t length = policy_.length(rows, most, best->match, best->drafts);
  best->draft.resize(length);
  if (length > 0 && sequences_->make_room(rows + length)) return best;
  best->draft.clear();
  best->drafts.skip();
  return nullptr;
}

void Scheduler::share_out_prompts(std::uint32_t budget) {
  std::vector<Running*> prompts;
  std::vector<PromptWant> wants;
  for (Running& running : running_) {
    if (running.decodes(*sequences_)) continue;
    prompts.push_back(&running);
    wants.push_back({running.job->request.account, running.left(*sequences_)});
  }
  const std::vector<std::uint32_t> shares = fair_shares(wants, budget);
  for (std::size_t i = 0; i < prompts.size(); ++i) add_tokens(*prompts[i], shares[i]);
}

void Scheduler::add_tokens(Running& running, std::uint32_t count) {
  const std::uint32_t from = sequences_->length(running.claim.id);
  // A state that cannot be cut has to be kept at the very moment when it ends at the border.
  if (!model_.can_cut && running.border > from) count = std::min(count, running.border - from);
  if (count == 0) return;
  for (std::uint32_t position = from; position < from + count; ++position) {
    const bool is_last = position + 1 == running.tokens.size();
    const std::int32_t row = batch_->add(running.tokens[position], position, running.claim.id,
                                         is_last ? Batch::Logits::Yes : Batch::Logits::No);
    if (is_last) running.output = row;
  }
  watch_.cancelled.push_back(&running.job->cancelled);
}

std::int32_t Scheduler::decode() {
  if (!sequences_->make_room(batch_->size())) return 1;
  if (!sequences_->keep_order(batch_->owners())) return kMakeBatchAnew;
  const auto threads = static_cast<std::int32_t>(begin_computing(step_kind_, batch_->size()));
  llama_set_n_threads(context_.get(), threads, threads);
  const auto status = guarded(Code::Internal, "computing failed",
                              [&] { return llama_decode(context_.get(), batch_->raw()); });
  cores_.end(status.ok() && status.value() == 0);
  expect_llama_errors(false);
  if (status.ok()) return status.value();
  log::error("{}", status.error().message);
  return -4;
}

/// How many threads to compute with, once there is a core for us.
std::uint32_t Scheduler::begin_computing(StepKind kind, std::uint32_t rows) {
  return cores_.begin(kind, rows, [this] { return must_stop(&watch_); });
}

void Scheduler::recover(std::int32_t status) {
  // Someone was cancelled, and the others go on; or all begin anew with fewer threads.
  if (status == 2) return sequences_->aborted(batch_->owners());
  if (status == kMakeBatchAnew) return;
  if (status == 1 && sequences_->evict_one()) return;
  const Error error = status == 1 ? Error{Code::Busy, "the KV cache is full"}
                                  : Error{Code::Internal, "llama.cpp could not compute a batch (" +
                                                              std::to_string(status) + ")"};
  log::error("{}: {} generations end", error.message, running_.size());
  while (!running_.empty()) end(running_.begin(), chat::Failed{error}, false);
  sequences_->evict_all();  // what is left in memory after a failure is not certain
}

/// Where state cannot be cut, the next prompt of a conversation can go on only from a border: what
/// comes back of an answer often has other tokens than were said (thoughts are left out).
std::uint32_t Scheduler::border_of(const GenerateJob& job) const {
  const chat::Cache& cache = job.request.cache;
  if (!job.request.cache_prompt) return 0;
  const bool wanted = cache.pin || cache.persist || !model_.can_cut;
  if (job.prompt.border_tokens > 0 && wanted) return job.prompt.border_tokens;
  if (cache.pin) return static_cast<std::uint32_t>(job.prompt.tokens.size());
  return model_.can_cut ? 0 : job.prompt.history_tokens;
}

void Scheduler::keep_borders() {
  for (Running& running : running_) {
    if (running.border == 0 || sequences_->length(running.claim.id) < running.border) continue;
    const std::uint32_t border = std::exchange(running.border, 0);
    const chat::Cache& cache = running.job->request.cache;
    // Where state can be cut, every prefix of what is kept can be found without one of its own.
    if (cache.pin || !model_.can_cut)
      sequences_->keep_prefix(running.claim.id, border, cache.pin ? cache.key : "");
    if (model_.can_cut || sequences_->length(running.claim.id) == border) save(running, border);
  }
}

void Scheduler::save(const Running& running, std::uint32_t tokens) {
  persistence_.save(*running.job, *sequences_, running.claim.id,
                    std::span(running.tokens).first(tokens));
}

void Scheduler::read_outputs() {
  for (auto it = running_.begin(); it != running_.end();) {
    const auto running = it++;
    if (running->output < 0) continue;
    auto last = read(*running);
    if (!last.ok()) {
      end(running, chat::Failed{last.error()}, running->job->request.cache_prompt);
    } else if (last.value()) {
      end(running, std::move(*last.value()), running->job->request.cache_prompt);
    }
  }
}

/// What the batch says about one answer: its next token, and one more for each token of the draft
/// that was right. Every token is chosen from its own row, as it would be without a draft.
Result<Scheduler::Ending> Scheduler::read(Running& running) {
  const std::size_t computed = running.tokens.size();
  std::size_t right = 0;
  const std::vector<llama_token>& draft = running.draft;
  Result<Ending> last = Ending();
  for (;;) {
    last = advance(running, running.output + static_cast<std::int32_t>(right));
    while (right < draft.size() && computed + right < running.tokens.size() &&
           running.tokens[computed + right] == draft[right]) {
      ++right;
    }
    if (!last.ok() || last.value() || computed + right < running.tokens.size()) break;
  }
  const bool ended = !last.ok() || last.value();
  if (!draft.empty()) {
    sequences_->cut(running.claim.id, static_cast<std::uint32_t>(computed + right));
    // An answer that ends says nothing about the rest of its draft.
    const auto drafted = static_cast<std::uint32_t>(ended ? right : draft.size());
    const auto accepted = static_cast<std::uint32_t>(right);
    running.drafts.note(running.match, drafted, accepted);
    policy_.note_draft(running.match, drafted, accepted);
  }
  if (last.ok() && last.value()) {
    last.value()->timings.drafted_tokens = running.drafts.drafted();
    last.value()->timings.accepted_tokens = running.drafts.accepted();
  }
  return last;
}

/// Chooses the next token, and says those that must follow. With it the last event, if that was the
/// end.
Result<Scheduler::Ending> Scheduler::advance(Running& running, std::int32_t row) {
  if (running.answer.tokens() == 0) {
    running.first_token = Clock::now();
    persistence_.computed(
        static_cast<std::uint32_t>(running.job->prompt.tokens.size()) - running.claim.reused,
        ms_between(running.started, running.first_token) / 1e3);
    // What was computed with the prompt is in `tokens` already.
    const std::size_t ahead = running.tokens.size() - running.job->prompt.tokens.size();
    for (std::size_t i = 0; i < ahead; ++i) {
      const llama_token token = running.tokens[running.job->prompt.tokens.size() + i];
      ++running.forced;
      TRY(Ending ending, say(running, token, std::nullopt));
      if (ending) return ending;
    }
    const std::size_t computed = running.tokens.size();
    TRY(Ending ending, say_forced(running));
    if (ending || running.tokens.size() > computed) return ending;
  }
  const float* logits = llama_get_logits_ith(context_.get(), row);
  TRY(const llama_token token, running.sampler.sample(logits));
  std::optional<chat::TokenChoice> choice;
  if (const auto top = running.job->request.top_logprobs)
    choice = describe_choice(model_, logits, token, *top);
  TRY(Ending ending, say(running, token, std::move(choice)));
  if (ending) return ending;
  running.tokens.push_back(token);
  return say_forced(running);
}

Result<Scheduler::Ending> Scheduler::say_forced(Running& running) {
  for (;;) {
    const std::vector<llama_token> forced = running.sampler.forced();
    if (forced.empty()) return Ending();
    for (const llama_token token : forced) {
      TRY_VOID(running.sampler.accept(token));
      ++running.forced;
      TRY(Ending ending, say(running, token, std::nullopt));
      if (ending) return ending;
      running.tokens.push_back(token);
    }
  }
}

/// Adds a token to the answer and sends what it completes. With the last event, if it was the end.
Result<Scheduler::Ending> Scheduler::say(Running& running, llama_token token,
                                         std::optional<chat::TokenChoice> choice) {
  TRY(Answer::Step said, running.answer.add(token, std::move(choice)));
  ++counters_.completion_tokens;
  if (!is_empty(said.delta)) outbox_.post(GenerateEvent{running.job->id, std::move(said.delta)});
  if (said.finished) return Ending(finished(running, *said.finished, token));
  return Ending();
}

chat::Finished Scheduler::finished(const Running& running, chat::FinishReason reason,
                                   llama_token last) const {
  chat::Finished finished{.reason = reason, .stop_string = running.answer.stop_string()};
  finished.usage = {.prompt_tokens = static_cast<std::uint32_t>(running.job->prompt.tokens.size()),
                    .cached_tokens = running.claim.reused,
                    .completion_tokens = running.answer.tokens()};
  finished.timings = {.prompt_ms = ms_between(running.started, running.first_token),
                      .predicted_ms = ms_between(running.first_token, Clock::now()),
                      .queued_ms = ms_between(running.job->arrived, running.started),
                      .forced_tokens = running.forced};
  finished.trace =
      trace_of(model_.vocab(), *running.job, running.tokens, running.answer.tokens(), reason, last);
  return finished;
}

void Scheduler::fail(const GenerateJob& job, Error error) {
  jobs_.forget(job.id);
  outbox_.post(GenerateEvent{job.id, chat::Failed{std::move(error)}});
}

void Scheduler::end(std::list<Running>::iterator running, chat::Event last, bool keep) {
  const std::uint64_t id = running->job->id;
  if (keep) save(*running, sequences_->length(running->claim.id));
  sequences_->release(running->claim.id, keep);
  running_.erase(running);
  jobs_.forget(id);
  report_levels();  // whoever has heard the last event finds the levels without this generation
  outbox_.post(GenerateEvent{id, std::move(last)});
}

void Scheduler::step_embedding() {
  while (!embedder_.is_busy() && !embeds_.empty()) {
    const std::shared_ptr<EmbedJob> job = std::move(embeds_.front());
    embeds_.pop_front();
    const auto begun = embedder_.begin(job);
    if (begun.ok()) break;
    outbox_.post(RequestFailed{job->id, begun.error()});
    jobs_.forget(job->id);
  }
  if (!embedder_.is_busy()) return;

  const std::shared_ptr<EmbedJob> job = embedder_.job();
  watch_.cancelled = {&job->cancelled};
  auto done = job->cancelled ? Result<bool>(cancelled_error())
                             : embedder_.step(begin_computing(StepKind::Prefill, 0),
                                              &Scheduler::must_stop, &watch_);
  cores_.end(done.ok());
  expect_llama_errors(false);
  if (done.ok() && !done.value()) return;
  if (done.ok()) {
    std::size_t tokens = 0;
    for (const auto& input : job->inputs) tokens += input.size();
    outbox_.post(Embedded{job->id, embedder_.take(), static_cast<std::uint32_t>(tokens)});
  } else {
    embedder_.drop();
    outbox_.post(RequestFailed{job->id, done.error()});
  }
  jobs_.forget(job->id);
}

void Scheduler::report_levels() {
  counters_.generating = static_cast<std::uint32_t>(running_.size());
  counters_.waiting = static_cast<std::uint32_t>(waiting_.size());
  if (!sequences_) return;
  counters_.kv_cells_used = sequences_->used_cells();
  counters_.prefixes.set({.hits = sequences_->hits(),
                          .misses = sequences_->misses(),
                          .evictions = sequences_->evictions(),
                          .kept = sequences_->kept(),
                          .pinned = sequences_->pinned()});
}

bool Scheduler::must_stop(void* watch) {
  const Watch& seen = *static_cast<const Watch*>(watch);
  const bool stop = seen.jobs->is_shut_down() || seen.cores->must_restart() ||
                    std::any_of(seen.cancelled.begin(), seen.cancelled.end(),
                                [](const auto* flag) { return flag->load(); });
  if (stop)
    expect_llama_errors(true);  // the first compute thread is the one that called llama_decode
  return stop;
}

}  // namespace hearth::engine
