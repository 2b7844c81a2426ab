#include "model/local/client.h"

#include <cmath>

#include "base/log.h"

namespace hearth::model::local {
namespace {

constexpr Millis kExitGrace{5'000};  // from a closed socket to the end of the process
constexpr Millis kPingSendLimit{1'000};
constexpr Millis kLoadSendLimit{10'000};

Millis since(Clock::time_point start, Clock::time_point now) {
  return std::chrono::duration_cast<Millis>(now - start);
}

}  // namespace

Client::Client(LocalOptions options, const TimeSource& time, metrics::Registry& metrics)
    : options_(std::move(options)),
      time_(time),
      instruments_(metrics, options_.name),
      works_({.token_timeout = options_.token_timeout,
              .request_timeout = options_.request_timeout,
              .cancel_grace = options_.cancel_grace}) {}

void Client::run(const std::stop_token& stop) {
  Backoff backoff;
  while (!stop.stop_requested()) {
    const Ending ending = serve_one_engine(stop);
    if (stop.stop_requested()) break;
    if (ending.refused) {
      log::error("model '{}' cannot be loaded: {}", options_.name, ending.refused->message);
      return leave_ready(State::Failed, ending.refused->message, Millis(0));
    }
    const Millis wait = backoff.next(ending.healthy);
    log::error("{}; starting it again in {} ms", ending.reason, wait.count());
    leave_ready(State::Restarting, ending.reason, wait);
    pause(stop, wait);
    instruments_.restarts.add();
  }
  leave_ready(State::Failed, "model '" + options_.name + "' was closed", Millis(0));
}

Client::Ending Client::serve_one_engine(const std::stop_token& stop) {
  auto spawned = process::Child::spawn(options_.engine);
  if (!spawned.ok()) return {.reason = std::move(spawned).error().message};
  const Engine engine = std::move(spawned).value();
  log::info("engine {} of model '{}' started", engine->pid(), options_.name);
  const std::stop_callback wake(stop, [&] { engine->channel().shut_down(); });
  {
    MutexLock lock(mutex_);
    progress_ = 0;
    load_deadline_ = time_.now() + options_.load_timeout;
  }
  instruments_.begin_engine();
  const auto load = make_frame(engine::Load{options_.path, options_.load, options_.snapshots});
  if (!load.ok()) return finish(engine, {.refused = load.error()});
  send(engine, load.value(), kLoadSendLimit);
  return finish(engine, serve(engine));
}

Client::Ending Client::serve(const Engine& engine) {
  while (true) {
    const auto frame = engine->channel().receive(until_next_deadline());
    if (frame.ok()) {
      if (auto ending = dispatch(engine, frame.value())) return *std::move(ending);
    } else if (frame.error().code == Code::Corrupt) {
      return {.reason = engine_words() + " broke the protocol: " + frame.error().message};
    } else if (frame.error().code == Code::Unavailable) {
      return {};  // finish() finds out how it ended
    }
    if (auto ending = end_overdue(engine)) return *std::move(ending);
  }
}

/// Sees the process off, and completes what is known of its end.
Client::Ending Client::finish(const Engine& engine, Ending ending) {
  engine->channel().shut_down();
  auto status = engine->wait(Call::within(ending.reason.empty() ? kExitGrace : Millis(0)));
  if (!status.ok()) status = engine->stop(Millis(0));
  if (ending.reason.empty()) ending.reason = engine_words() + " ended: " + status.value().text();
  MutexLock lock(mutex_);
  if (state_ == State::Ready) ending.healthy = since(ready_since_, time_.now());
  return ending;
}

Call Client::until_next_deadline() {
  MutexLock lock(mutex_);
  if (nudge_.stop_requested()) nudge_ = std::stop_source();
  const auto next = std::min({works_.next_deadline(), load_deadline_, ping_due_});
  if (next == Clock::time_point::max()) return {next, nudge_.get_token()};
  return {Clock::now() + (next - time_.now()), nudge_.get_token()};
}

std::optional<Client::Ending> Client::end_overdue(const Engine& engine) {
  std::vector<WorkList::Overdue> overdue;
  bool wedged = false, load_stuck = false, silent = false, pings = false;
  {
    MutexLock lock(mutex_);
    const auto now = time_.now();
    overdue = works_.take_overdue(now);
    wedged = works_.wedged(now);
    load_stuck = now >= load_deadline_;
    silent = now >= ping_due_ && pinged_;
    pings = now >= ping_due_ && !pinged_;
    if (pings) {
      ping_due_ = now + options_.ping_grace;
      pinged_ = true;
    }
    if (!overdue.empty()) note_load();
  }
  for (const auto& [work, error] : overdue) {
    send_cancel(engine, work->id);
    if (work->delivery.close(chat::Event(chat::Failed{error}))) instruments_.failed.add();
  }
  if (load_stuck) return Ending{.reason = engine_words() + " made no progress in loading"};
  if (pings) {
    const auto ping = make_frame(engine::Stats{next_id()});  // nobody waits for the answer
    if (ping.ok()) send(engine, ping.value(), kPingSendLimit);
  }
  if (silent) return Ending{.reason = engine_words() + " did not answer a ping and was killed"};
  if (wedged) return Ending{.reason = engine_words() + " did not answer any more and was killed"};
  return std::nullopt;
}

/// While a model is loaded its engine has to say something now and then.
void Client::expect_word(Clock::time_point until) {
  const bool pings = engine_ && options_.ping_interval > Millis(0);
  ping_due_ = pings ? until : Clock::time_point::max();
  pinged_ = false;
}

void Client::leave_ready(State state, std::string trouble, Millis wait) {
  Error error{Code::Unavailable, trouble};
  if (state == State::Restarting) error.message += "; it is being restarted";
  {
    MutexLock lock(mutex_);
    state_ = state;
    may_wait_ = state == State::Restarting && wait == Millis(0);
    trouble_ = std::move(trouble);
    restart_at_ = time_.now() + wait;
    load_deadline_ = Clock::time_point::max();
    engine_.reset();
    expect_word({});
  }
  fail_works(error);
}

/// What the engine was asked fails; what it was not waits for the next one, if that comes at once.
void Client::fail_works(const Error& error) {
  std::vector<WorkPointer> works;
  {
    MutexLock lock(mutex_);
    works = may_wait_ ? works_.take_sent() : works_.clear();
    for (auto& [id, question] : questions_) {
      if (!question.reply) question.reply = Result<engine::Reply>(error);
    }
    answered_.notify_all();
    note_load();
  }
  for (const auto& work : works) {
    if (work->delivery.close(chat::Event(chat::Failed{error}))) instruments_.failed.add();
  }
}

void Client::pause(const std::stop_token& stop, Millis wait) {
  MutexLock lock(mutex_);
  paused_.wait_until(mutex_, stop, Clock::now() + wait, [] { return false; });
}

// ---- what the engine says ---------------------------------------------------------------------

std::optional<Client::Ending> Client::dispatch(const Engine& engine, const process::Frame& frame) {
  {
    MutexLock lock(mutex_);
    works_.heard(time_.now());
    expect_word(time_.now() + options_.ping_interval);
  }
  if (frame.version != engine::kProtocolVersion)
    return Ending{.reason = engine_words() + " speaks protocol version " +
                            std::to_string(frame.version) + ", not " +
                            std::to_string(engine::kProtocolVersion)};
  auto reply = engine::decode_reply(frame.type, frame.payload);
  if (!reply.ok())
    return Ending{.reason = engine_words() + " broke the protocol: " + reply.error().message};
  return std::visit([&](auto& it) { return on(engine, it); }, reply.value());
}

std::optional<Client::Ending> Client::on(const Engine&, engine::LoadProgress& progress) {
  MutexLock lock(mutex_);
  if (state_ == State::Ready) return std::nullopt;
  progress_ = progress.fraction;
  load_deadline_ = time_.now() + options_.load_timeout;
  return std::nullopt;
}

std::optional<Client::Ending> Client::on(const Engine& engine, engine::Loaded& loaded) {
  log::info("model '{}' is ready: {} tokens of context, {} slots, {} threads", options_.name,
            loaded.context_tokens, loaded.slots, loaded.threads);
  // Before the first prompt, for which a snapshot may be waiting.
  const std::string sent = facts().fingerprint;
  send_identity(engine, sent);
  std::string found;
  {
    MutexLock lock(mutex_);
    loaded_ = std::move(loaded);
    load_deadline_ = Clock::time_point::max();
    engine_ = engine;
    expect_word(time_.now() + options_.ping_interval);
    found = fingerprint_;
  }
  if (found != sent) send_identity(engine, found);  // it was found meanwhile
  send_what_waited();
  return std::nullopt;
}

/// In the order they came; Ready once there are none, so that nobody overtakes them.
void Client::send_what_waited() {
  while (const auto parcel = next_parcel()) {
    send(parcel->engine, parcel->frame, kLoadSendLimit);
    // Given up while it was being sent: its Cancel may have come before it.
    if (!is_open(parcel->id)) send_cancel(parcel->engine, parcel->id);
  }
}

bool Client::is_open(std::uint64_t id) const {
  MutexLock lock(mutex_);
  return works_.find(id) != nullptr;
}

/// The oldest that waited; nothing when none is left, and the model is then Ready.
std::optional<Client::Parcel> Client::next_parcel() {
  MutexLock lock(mutex_);
  if (const WorkPointer work = works_.first_unsent()) {
    Parcel parcel{engine_, work->id, std::move(*work->unsent)};
    work->unsent.reset();
    return parcel;
  }
  state_ = State::Ready;
  may_wait_ = true;
  trouble_.clear();
  ready_since_ = time_.now();
  answered_.notify_all();
  return std::nullopt;
}

std::optional<Client::Ending> Client::on(const Engine&, engine::LoadFailed& failed) {
  if (failed.error.code == Code::Unavailable)
    return Ending{.reason = engine_words() + " could not load it: " + failed.error.message};
  return Ending{.reason = failed.error.message, .refused = failed.error};
}

std::optional<Client::Ending> Client::on(const Engine&, engine::GenerateEvent& event) {
  const WorkPointer work = note_event(event);
  if (!work) return std::nullopt;  // cancelled meanwhile
  const bool more = work->delivery.deliver(event.event);
  if (!more && !is_last(event.event)) end(work, std::nullopt);  // its sink threw or cancelled
  return std::nullopt;
}

std::optional<Client::Ending> Client::on(const Engine&, engine::RequestFailed& failed) {
  answer(failed.id, failed.error);
  return std::nullopt;
}

std::optional<Client::Ending> Client::on(const Engine&, engine::SnapshotStats& stats) {
  instruments_.count_snapshots(stats);
  return std::nullopt;
}

template <class Reply>
std::optional<Client::Ending> Client::on(const Engine&, Reply& reply) {
  const std::uint64_t id = reply.id;
  answer(id, engine::Reply(std::move(reply)));
  return std::nullopt;
}

void Client::answer(std::uint64_t id, Result<engine::Reply> reply) {
  MutexLock lock(mutex_);
  works_.settle(id);
  const auto found = questions_.find(id);
  if (found == questions_.end()) return;  // nobody waits any more
  found->second.reply = std::move(reply);
  answered_.notify_all();
}

WorkPointer Client::note_event(const engine::GenerateEvent& event) {
  MutexLock lock(mutex_);
  const bool last = is_last(event.event);
  if (last) works_.settle(event.id);
  WorkPointer work = last ? works_.take(event.id) : works_.find(event.id);
  if (!work) return work;
  measure(*work, event.event, time_.now());
  if (last || std::holds_alternative<chat::Started>(event.event)) note_load();
  return work;
}

void Client::measure(Work& work, const chat::Event& event, Clock::time_point now) {
  const auto seconds = [now](Clock::time_point from) {
    return std::chrono::duration<double>(now - from).count();
  };
  if (const auto* started = std::get_if<chat::Started>(&event)) {
    work.started = true;
    instruments_.count_started(*started);
  } else if (std::holds_alternative<chat::Delta>(event)) {
    if (work.speaking) instruments_.between_tokens_seconds.observe(seconds(work.last_event));
    if (!work.speaking) instruments_.first_token_seconds.observe(seconds(work.accepted));
    work.started = work.speaking = true;
  } else if (const auto* finished = std::get_if<chat::Finished>(&event)) {
    instruments_.count_finished(*finished);
  } else {
    instruments_.failed.add();
  }
  work.last_event = now;
}

void Client::note_load() {
  const std::size_t started = works_.started();
  instruments_.set_load(started, works_.size() - started);
}

// ---- what others see --------------------------------------------------------------------------

State Client::state() const {
  MutexLock lock(mutex_);
  return state_;
}

std::string Client::state_text() const {
  MutexLock lock(mutex_);
  return describe_state();
}

std::string Client::describe_state() const {
  const auto percent = std::to_string(std::lround(progress_ * 100)) + " %";
  switch (state_) {
    case State::Loading: return "loading, " + percent;
    case State::Ready: return "";
    case State::Failed: return trouble_;
    case State::Unloaded:
    case State::Restarting: break;
  }
  const Millis left = since(time_.now(), restart_at_);
  if (left.count() <= 0) return trouble_ + "; loading again, " + percent;
  return trouble_ + "; restarting in " + std::to_string((left.count() + 999) / 1000) + " s";
}

Error Client::unavailable() const {
  return {Code::Unavailable, "model '" + options_.name + "' is not ready: " + describe_state()};
}

engine::ModelFacts Client::facts() const {
  MutexLock lock(mutex_);
  engine::ModelFacts facts = loaded_ ? loaded_->facts : engine::ModelFacts{};
  if (facts.name.empty()) facts.name = options_.name;
  facts.fingerprint = fingerprint_;
  return facts;
}

std::string Client::numerics() const {
  MutexLock lock(mutex_);
  return loaded_ ? loaded_->numerics : "";
}

std::uint32_t Client::context_tokens() const {
  MutexLock lock(mutex_);
  return loaded_ ? loaded_->context_tokens : 0;
}

void Client::set_fingerprint(std::string fingerprint) {
  Engine engine;
  {
    MutexLock lock(mutex_);
    fingerprint_ = fingerprint;
    engine = engine_;
  }
  if (engine) send_identity(engine, fingerprint);
}

}  // namespace hearth::model::local
