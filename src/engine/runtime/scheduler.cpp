#include "engine/runtime/scheduler.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "engine/runtime/guard.h"
#include "engine/runtime/llama_log.h"

namespace hearth::engine {
namespace {

constexpr std::uint32_t kIdleSequencesMax = 16;  // kept for later prompts, beside the running ones
constexpr std::uint32_t kIdleSequencesMaxRecurrent = 2;  // each holds a state of full size
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
  return answer.tokens() > 0 && left(sequences) == 1;
}

Scheduler::Scheduler(const LoadedModel& model, Jobs& jobs, Outbox& outbox, Counters& counters)
    : model_(model),
      jobs_(jobs),
      outbox_(outbox),
      counters_(counters),
      embedder_(model),
      promise_(model) {
  watch_.jobs = &jobs;
}

Result<std::unique_ptr<Scheduler>> Scheduler::make(const LoadedModel& model, Jobs& jobs,
                                                   Outbox& outbox, Counters& counters) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(model, jobs, outbox, counters));
  if (!model.can_generate) return scheduler;
  const std::uint32_t idle = model.can_cut ? kIdleSequencesMax : kIdleSequencesMaxRecurrent;
  const std::uint32_t sequences = model.slots + idle;
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
  for (Job& job : jobs_.take(nothing_to_do)) {
    if (auto* generate = std::get_if<std::shared_ptr<GenerateJob>>(&job)) {
      if ((*generate)->request.deterministic) {
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
    const std::shared_ptr<GenerateJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    const auto started = start(job);
    if (!started.ok()) fail(*job, started.error());
  }
}

Result<void> Scheduler::start(const std::shared_ptr<GenerateJob>& job) {
  const chat::Request& request = job->request;
  const auto prompt_tokens = static_cast<std::uint32_t>(job->prompt.tokens.size());
  const std::uint32_t room = model_.context_tokens - prompt_tokens;  // checked when it arrived
  const std::uint32_t tokens_max = std::min(room, request.tokens_max.value_or(room));
  const std::uint32_t any =
      request.deterministic ? kDeterministicSeed : static_cast<std::uint32_t>(random_u64());
  const std::uint32_t seed = request.sampling.seed.value_or(any);
  TRY(Sampler sampler, Sampler::make(model_, request, job->prompt, seed));

  const auto now = Clock::now();
  if (tokens_max == 0) {
    outbox_.post(GenerateEvent{job->id, chat::Started{.prompt_tokens = prompt_tokens,
                                                      .seed = seed,
                                                      .deterministic = request.deterministic}});
    chat::Finished nothing{.reason = chat::FinishReason::Length,
                           .usage = {.prompt_tokens = prompt_tokens}};
    nothing.timings.queued_ms = ms_between(job->arrived, now);
    outbox_.post(GenerateEvent{job->id, std::move(nothing)});
    jobs_.forget(job->id);
    return ok();
  }
  const Sequences::Claim claim = sequences_->claim(job->prompt.tokens, wish_for(request));
  running_.push_back({.job = job,
                      .claim = claim,
                      .sampler = std::move(sampler),
                      .answer = Answer(model_, *job, tokens_max),
                      .tokens = job->prompt.tokens,
                      .started = now});
  counters_.prompt_tokens += prompt_tokens;
  counters_.cached_tokens += claim.reused;
  outbox_.post(GenerateEvent{
      job->id, chat::Started{prompt_tokens, claim.reused, seed, request.deterministic}});
  return ok();
}

/// The same request with the same seed must give the same bytes when nothing runs beside it. Where
/// results do not depend on batching, it is enough that the sequence lies in its cells in order;
/// then it gives them always. Elsewhere they depend on which tokens were computed together and even
/// on where in the cache they lie, so such a request begins in an empty cache, and its prompt is
/// computed in whole chunks.
Sequences::Wish Scheduler::wish_for(const chat::Request& request) const {
  Sequences::Wish wish{.reuse = request.cache_prompt};
  if (!request.sampling.seed && !request.deterministic) return wish;
  wish.layout = model_.batch_invariant ? Sequences::Layout::InOrder : Sequences::Layout::Fresh;
  return wish;
}

void Scheduler::step() {
  fill_batch();
  const std::int32_t status = decode();
  if (status != 0) return recover(status);
  sequences_->computed(batch_->owners(), batch_->tokens());
  ++counters_.decode_steps;
  read_outputs();
}

void Scheduler::fill_batch() {
  batch_->clear();
  watch_.cancelled.clear();
  for (Running& running : running_) {
    running.output = -1;
    if (running.decodes(*sequences_)) add_tokens(running, 1);
  }
  share_out_prompts(model_.prefill_chunk_tokens);
}

void Scheduler::share_out_prompts(std::uint32_t budget) {
  std::vector<Running*> prompts;
  std::vector<std::uint32_t> wants;
  for (Running& running : running_) {
    if (running.decodes(*sequences_)) continue;
    prompts.push_back(&running);
    wants.push_back(running.left(*sequences_));
  }
  const std::vector<std::uint32_t> shares = share_out(wants, budget);
  for (std::size_t i = 0; i < prompts.size(); ++i) add_tokens(*prompts[i], shares[i]);
}

void Scheduler::add_tokens(Running& running, std::uint32_t count) {
  if (count == 0) return;
  const std::uint32_t from = sequences_->length(running.claim.id);
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
  const auto status = guarded(Code::Internal, "computing failed",
                              [&] { return llama_decode(context_.get(), batch_->raw()); });
  expect_llama_errors(false);
  if (status.ok()) return status.value();
  log::error("{}", status.error().message);
  return -4;
}

void Scheduler::recover(std::int32_t status) {
  if (status == 2)
    return sequences_->aborted(batch_->owners());  // someone was cancelled; the others go on
  if (status == kMakeBatchAnew) return;
  if (status == 1 && sequences_->evict_one()) return;
  const Error error = status == 1 ? Error{Code::Busy, "the KV cache is full"}
                                  : Error{Code::Internal, "llama.cpp could not compute a batch (" +
                                                              std::to_string(status) + ")"};
  log::error("{}: {} generations end", error.message, running_.size());
  while (!running_.empty()) end(running_.begin(), chat::Failed{error}, false);
  sequences_->evict_all();  // what is left in memory after a failure is not certain
}

void Scheduler::read_outputs() {
  for (auto it = running_.begin(); it != running_.end();) {
    const auto running = it++;
    if (running->output < 0) continue;
    auto last = advance(*running);
    if (!last.ok()) {
      end(running, chat::Failed{last.error()}, running->job->request.cache_prompt);
    } else if (last.value()) {
      end(running, std::move(*last.value()), running->job->request.cache_prompt);
    }
  }
}

/// Chooses the next token. With it the last event, if it was the last token.
Result<std::optional<chat::Finished>> Scheduler::advance(Running& running) {
  if (running.answer.tokens() == 0) running.first_token = Clock::now();
  TRY(const llama_token token, running.sampler.sample(context_.get(), running.output));
  std::optional<chat::TokenChoice> choice;
  if (const auto top = running.job->request.top_logprobs) {
    choice =
        describe_choice(model_, llama_get_logits_ith(context_.get(), running.output), token, *top);
  }
  TRY(Answer::Step said, running.answer.add(token, std::move(choice)));
  ++counters_.completion_tokens;
  if (!is_empty(said.delta)) outbox_.post(GenerateEvent{running.job->id, std::move(said.delta)});
  if (said.finished) return std::optional(finished(running, *said.finished));
  running.tokens.push_back(token);
  return std::optional<chat::Finished>();
}

chat::Finished Scheduler::finished(const Running& running, chat::FinishReason reason) {
  chat::Finished finished{.reason = reason, .stop_string = running.answer.stop_string()};
  finished.usage = {.prompt_tokens = static_cast<std::uint32_t>(running.job->prompt.tokens.size()),
                    .cached_tokens = running.claim.reused,
                    .completion_tokens = running.answer.tokens()};
  finished.timings = {.prompt_ms = ms_between(running.started, running.first_token),
                      .predicted_ms = ms_between(running.first_token, Clock::now()),
                      .queued_ms = ms_between(running.job->arrived, running.started)};
  return finished;
}

void Scheduler::fail(const GenerateJob& job, Error error) {
  jobs_.forget(job.id);
  outbox_.post(GenerateEvent{job.id, chat::Failed{std::move(error)}});
}

void Scheduler::end(std::list<Running>::iterator running, chat::Event last, bool keep) {
  const std::uint64_t id = running->job->id;
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
                             : embedder_.step(&Scheduler::must_stop, &watch_);
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
  if (sequences_) counters_.kv_cells_used = sequences_->used_cells();
}

bool Scheduler::must_stop(void* watch) {
  const Watch& seen = *static_cast<const Watch*>(watch);
  const bool stop =
      seen.jobs->is_shut_down() || std::any_of(seen.cancelled.begin(), seen.cancelled.end(),
                                               [](const auto* flag) { return flag->load(); });
  if (stop)
    expect_llama_errors(true);  // the first compute thread is the one that called llama_decode
  return stop;
}

}  // namespace hearth::engine
