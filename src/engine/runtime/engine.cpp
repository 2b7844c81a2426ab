#include "engine/runtime/engine.h"

#include "base/fields.h"
#include "base/log.h"
#include "base/utf8.h"
#include "engine/runtime/embedder.h"
#include "engine/runtime/guard.h"

namespace hearth::engine {
namespace {

constexpr Millis kIdle{3'600'000};  // a read that found nothing by then is simply repeated

/// Changes with everything in this process that changes the bits of a reply.
std::string numerics_of(const LoadedModel& model) {
  std::string numerics = model.kv_type == KvType::Q8_0 ? "kv=q8_0" : "kv=f16";
  numerics += model.unpacked ? ",unpacked" : "";
  numerics += std::string(",llama.cpp ") + llama_print_system_info();
  return numerics.substr(0, kNumericsBytesMax);
}

Loaded describe(const LoadedModel& model) {
  return {.facts = model.facts,
          .context_tokens = model.context_tokens,
          .slots = model.slots,
          .threads = model.threads,
          .kv_type = model.kv_type,
          .can_embed = model.can_embed,
          .batch_invariant = model.batch_invariant,
          .numerics = numerics_of(model)};
}

SnapshotStats describe(const snapshot::Library::Numbers& numbers) {
  return {.saved = numbers.saved,
          .restored = numbers.restored,
          .refused = numbers.refused,
          .skipped = numbers.skipped,
          .evicted = numbers.evicted,
          .restored_tokens = numbers.restored_tokens,
          .bytes = numbers.bytes,
          .files = numbers.files};
}

Result<void> check(const chat::Request& request) {
  if (request.stop.size() > chat::kStopMax)
    return field_error("stop", "has " + std::to_string(request.stop.size()) + " items, at most " +
                                   std::to_string(chat::kStopMax) + " are allowed");
  for (const std::string& stop : request.stop) {
    if (stop.size() > chat::kStopBytesMax)
      return field_error(
          "stop", "a stop string has at most " + std::to_string(chat::kStopBytesMax) + " bytes");
  }
  if (request.top_logprobs.value_or(0) > chat::kTopLogprobsMax)
    return field_error("top_logprobs",
                       "at most " + std::to_string(chat::kTopLogprobsMax) + " are allowed");
  return ok();
}

Result<void> check_length(const LoadedModel& model, const chat::Request& request,
                          std::size_t tokens) {
  const char* field =
      std::holds_alternative<chat::Conversation>(request.prompt) ? "messages" : "prompt";
  if (tokens == 0) return field_error(field, "the prompt is empty");
  if (tokens <= model.context_tokens) return ok();
  return Error{Code::TooLarge,
               "the prompt has " + std::to_string(tokens) + " tokens, the context holds " +
                   std::to_string(model.context_tokens),
               field};
}

/// Follows from the prompt and the seed. FNV-1a, 64 bits.
std::uint64_t call_ids_of(const chat::Request& request, const std::vector<llama_token>& prompt) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;
  const auto mix = [&hash](std::uint32_t value) { hash = (hash ^ value) * 1'099'511'628'211u; };
  for (const llama_token token : prompt) mix(static_cast<std::uint32_t>(token));
  mix(request.sampling.seed.value_or(0));
  return hash;
}

Result<std::vector<llama_token>> tokens_of(
    const llama_vocab* vocab, std::variant<std::string, std::vector<chat::Token>> input) {
  if (auto* tokens = std::get_if<std::vector<chat::Token>>(&input)) return std::move(*tokens);
  return tokenize(vocab, std::get<std::string>(input), true, false);
}

/// That a template which prints one sees.
std::chrono::system_clock::time_point day_of(const chat::Request& request) {
  if (request.deterministic) return PromptBuilder::fixed_day();
  if (!request.day) return PromptBuilder::start_of_today();
  return PromptBuilder::start_of_day(std::chrono::system_clock::from_time_t(*request.day));
}

}  // namespace

Engine::Engine(std::unique_ptr<process::FrameChannel> channel)
    : channel_(std::move(channel)), outbox_(*channel_) {}

Engine::~Engine() {
  jobs_.shut_down();
  if (scheduler_.joinable()) scheduler_.join();
}

int Engine::run() {
  for (;;) {
    auto frame = channel_->receive(Call::within(kIdle));
    if (!frame.ok() && frame.error().code == Code::Timeout) continue;
    if (!frame.ok() && frame.error().code == Code::Unavailable) return 0;
    if (!frame.ok()) {
      log::error("the daemon sent a broken frame: {}", frame.error().message);
      return 1;
    }
    if (frame.value().version != kProtocolVersion) {
      log::error("the daemon speaks protocol {}, this engine {}", frame.value().version,
                 kProtocolVersion);
      return 1;
    }
    auto request = decode_request(frame.value().type, frame.value().payload);
    if (!request.ok()) {
      log::error("the daemon sent a malformed request: {}", request.error().message);
      return 1;
    }
    const Next next =
        std::visit([this](auto& which) { return answer(std::move(which)); }, request.value());
    if (next == Next::End) return 0;
  }
}

Result<Engine::Served*> Engine::served() {
  Served* served = served_;
  if (!served) return Error{Code::Unavailable, "no model is loaded yet"};
  return served;
}

Engine::Next Engine::answer(Load request) {
  if (load_seen_) {
    outbox_.post(LoadFailed{{Code::InvalidInput, "an engine loads one model in its life"}});
    return Next::Read;
  }
  load_seen_ = true;
  scheduler_ = std::jthread([this, request = std::move(request)] { load_and_schedule(request); });
  return Next::Read;
}

void Engine::load_and_schedule(const Load& request) {
  auto loaded = load(request);
  if (!loaded.ok()) {
    log::warn("the model was not loaded: {}", loaded.error().message);
    outbox_.post(LoadFailed{loaded.error()});
    return;
  }
  loaded_ = std::move(loaded).value();
  served_ = loaded_.get();
  outbox_.post(describe(loaded_->model));
  loaded_->scheduler->run();
}

Result<std::unique_ptr<Engine::Served>> Engine::load(const Load& request) {
  int percent_told = -1;
  const auto on_progress = [&](float fraction) {
    const int percent = static_cast<int>(fraction * 100);
    if (percent > percent_told) outbox_.post(LoadProgress{fraction});
    percent_told = std::max(percent, percent_told);
    return !jobs_.is_shut_down();
  };
  TRY(LoadedModel model, load_model(request, machine_, on_progress));
  TRY(auto served, guarded(Code::Internal, "the model cannot be served",
                           [&] { return std::make_unique<Served>(std::move(model)); }));
  served->persistence = std::make_unique<Persistence>(
      served->model, request, jobs_,
      [this](const snapshot::Library::Numbers& numbers) { outbox_.post(describe(numbers)); });
  TRY(served->scheduler,
      Scheduler::make(served->model, jobs_, outbox_, counters_, *served->persistence));
  if (request.options.deterministic && served->model.can_generate)
    TRY_VOID(served->scheduler->prove_deterministic());
  return served;
}

Engine::Next Engine::answer(Generate request) {
  const std::uint64_t id = request.id;
  auto job = prepare(std::move(request));
  auto added = job.ok() ? jobs_.add(job.value()) : Result<void>(job.error());
  if (!added.ok()) outbox_.post(GenerateEvent{id, chat::Failed{added.error()}});
  return Next::Read;
}

Result<std::shared_ptr<GenerateJob>> Engine::prepare(Generate request) {
  TRY(Served* const now, served());
  if (!now->model.can_generate)
    return field_error("model", now->model.facts.name + " (" + now->model.facts.architecture +
                                    ") makes embeddings, it cannot generate text");
  TRY_VOID(check(request.request));
  if (request.request.deterministic) TRY_VOID(may_promise(now->model));
  auto job = std::make_shared<GenerateJob>();
  job->arrived = Clock::now();
  job->id = request.id;
  const auto day = day_of(request.request);
  TRY(auto prepared, guarded(Code::Internal, "the prompt cannot be rendered",
                             [&] { return now->prompts.prepare(request.request, day); }));
  TRY(job->prompt, std::move(prepared));
  job->request = std::move(request.request);
  if (job->request.deterministic)
    job->prompt.call_ids = call_ids_of(job->request, job->prompt.tokens);
  TRY_VOID(check_length(now->model, job->request, job->prompt.tokens.size()));
  const char* field =
      std::holds_alternative<chat::Conversation>(job->request.prompt) ? "messages" : "prompt";
  TRY_VOID(check_tokens(now->model.vocab(), job->prompt.tokens, field));
  return job;
}

Engine::Next Engine::answer(Cancel request) {
  jobs_.cancel(request.id);
  return Next::Read;
}

Engine::Next Engine::answer(Embed request) {
  const std::uint64_t id = request.id;
  auto job = prepare(std::move(request));
  auto added = job.ok() ? jobs_.add(job.value()) : Result<void>(job.error());
  if (!added.ok()) outbox_.post(RequestFailed{id, added.error()});
  return Next::Read;
}

Result<std::shared_ptr<EmbedJob>> Engine::prepare(Embed request) {
  TRY(Served* const now, served());
  if (!now->model.can_embed)
    return field_error("model", now->model.facts.name + " does not make embeddings here");
  auto job = std::make_shared<EmbedJob>();
  job->id = request.id;
  for (auto& input : request.inputs) {
    TRY(job->inputs.emplace_back(), tokens_of(now->model.vocab(), std::move(input)));
  }
  TRY_VOID(Embedder::check(now->model, job->inputs));
  return job;
}

Engine::Next Engine::answer(Tokenize request) {
  const auto run = [&]() -> Result<std::vector<llama_token>> {
    TRY(Served* const now, served());
    return tokenize(now->model.vocab(), request.text, request.add_special, request.parse_special);
  };
  auto tokens = run();
  if (tokens.ok()) {
    outbox_.post(Tokens{request.id, std::move(tokens).value()});
  } else {
    outbox_.post(RequestFailed{request.id, tokens.error()});
  }
  return Next::Read;
}

Engine::Next Engine::answer(Detokenize request) {
  const auto run = [&]() -> Result<std::string> {
    TRY(Served* const now, served());
    return detokenize(now->model.vocab(), request.tokens);
  };
  auto text = run();
  if (text.ok()) {
    outbox_.post(Text{request.id, std::move(text).value()});
  } else {
    outbox_.post(RequestFailed{request.id, text.error()});
  }
  return Next::Read;
}

Engine::Next Engine::answer(Stats request) {
  outbox_.post(StatsReply{.id = request.id,
                          .generating = counters_.generating,
                          .waiting = counters_.waiting,
                          .prompt_tokens = counters_.prompt_tokens,
                          .cached_tokens = counters_.cached_tokens,
                          .completion_tokens = counters_.completion_tokens,
                          .decode_steps = counters_.decode_steps,
                          .kv_cells_used = counters_.kv_cells_used,
                          .kv_cells = counters_.kv_cells,
                          .resident_bytes = machine_.resident_bytes(),
                          .prefixes = counters_.prefixes.get(),
                          .cores = counters_.cores.get()});
  return Next::Read;
}

Engine::Next Engine::answer(Unload) { return Next::End; }

Engine::Next Engine::answer(Identify request) {
  const auto now = served();
  if (now.ok()) now.value()->persistence->identify(request.fingerprint);
  return Next::Read;
}

}  // namespace hearth::engine
