#include "agent/sessions.h"

#include <algorithm>

#include "agent/round.h"
#include "base/fields.h"
#include "base/log.h"

namespace hearth::agent {
namespace {

constexpr Millis kStoreMax{30'000};  // for what a turn's thread asks of the store
constexpr const char* kCancelled = "the message was cancelled";

bool is_id(const std::string& session) { return session.starts_with(store::Sessions::kIdPrefix); }

std::string field(std::size_t message, const char* name) {
  return "messages[" + std::to_string(message) + "]" + (*name ? "." + std::string(name) : "");
}

/// What was said last in a turn that has ended, for who asks again; with the calls that the client
/// was to make, which are those without a result.
chat::Delta last_words(const std::vector<store::Entry>& entries) {
  chat::Delta said;
  const auto last = std::find_if(entries.rbegin(), entries.rend(), [](const store::Entry& entry) {
    return entry.message.role == chat::Role::Assistant;
  });
  if (last == entries.rend()) return said;
  said.content = last->message.content;
  said.reasoning = last->message.reasoning;
  for (const chat::ToolCall& call : last->message.tool_calls) {
    const bool is_made = std::ranges::any_of(entries, [&call](const store::Entry& entry) {
      return entry.message.tool_call_id == call.id;
    });
    if (is_made) continue;
    const auto index = static_cast<std::uint32_t>(said.tool_calls.size());
    said.tool_calls.push_back({index, call.id, call.name, call.arguments});
  }
  return said;
}

}  // namespace

Sessions::Sessions(Parts parts, Bounds bounds)
    : parts_(std::move(parts)),
      bounds_(bounds),
      sessions_(parts_.store, parts_.time),
      inbox_(parts_.store, parts_.time) {
  expiry_ = std::jthread([this](const std::stop_token& stop) { watch_expiry(stop); });
}

Sessions::~Sessions() {
  std::vector<std::jthread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    resting_.request_stop();
    for (const auto& [id, live] : live_) live->stop.request_stop();
    threads.swap(threads_);
  }
  expiry_.request_stop();
  for (std::jthread& thread : threads) thread.request_stop();
  changed_.notify_all();
}  // joins

void Sessions::stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  resting_.request_stop();
  changed_.notify_all();
}

Result<void> Sessions::recover(const Call& call) {
  store::Turns turns(parts_.store, parts_.time);
  TRY(const store::Left left, turns.recover(call));
  if (left.uncertain > 0)
    log::warn("{} tools were cut off by the end of the last process; their turns say so",
              left.uncertain);
  if (!left.sessions.empty())
    log::info("{} sessions go on where the last process ended", left.sessions.size());
  for (const std::string& session : left.sessions) schedule(session);
  return ok();
}

// ---- the door -----------------------------------------------------------------------------------

Result<std::unique_ptr<model::Generation>> Sessions::submit(
    const Call& call, const store::Session& session, const Submission& submission,
    std::shared_ptr<model::EventSink> sink) {
  if (stopping_) return Error{Code::Unavailable, "the daemon is stopping"};
  Options options{.model = submission.model, .request = submission.request};
  options.more.assign(submission.messages.begin() + 1, submission.messages.end());
  TRY(const auto accepted, inbox_.accept(call, {.session_id = session.id,
                                                .owner = submission.owner,
                                                .message = submission.messages.front(),
                                                .options = options_text(options),
                                                .key = submission.key,
                                                .digest = submission.digest}));
  const std::int64_t id = accepted.inbound.id;
  const LivePtr here = live(id);
  here->stays = submission.key.has_value();
  // Looked at behind live(): a turn that has ended by now may have ended before anybody listened.
  TRY(const store::Inbound now, inbox_.find(call, submission.owner, id));
  if (now.ended_ms) {
    TRY_VOID(tell_past(call, now, *here->audience));
    forget(id, here);
  }
  auto listening = here->audience->join(std::move(sink));
  if (!now.ended_ms) schedule(session.id);
  return listening;
}

Result<void> Sessions::check(const Submission& submission) const {
  const auto& messages = submission.messages;
  if (messages.empty()) return field_error("messages", "at least one message is required");
  if (messages.size() > kMessagesMax)
    return field_error("messages", "at most " + std::to_string(kMessagesMax) +
                                       " new messages are allowed in a session; it remembers the "
                                       "others");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == chat::Role::Assistant)
      return field_error(field(i, "role"),
                         "'assistant' is not allowed in a session: it remembers what was answered");
    if (messages[i].role == chat::Role::System && i > 0)
      return field_error(field(i, "role"), "instructions come first");
  }
  return ok();
}

/// Instructions come at the beginning of a session. Whoever repeats that beginning, by its key, is
/// told how it was answered.
Result<void> Sessions::check_is_first(const Call& call, const store::Session& session,
                                      const Submission& submission) {
  store::Transcript transcript(parts_.store, parts_.time);
  TRY(const auto first, transcript.read(call, session.id, 0, 1));
  if (first.empty()) return ok();
  if (submission.key) {
    TRY(const auto earlier, inbox_.find_key(call, submission.owner, *submission.key));
    if (earlier) return ok();
  }
  return field_error(field(0, "role"), "a session takes instructions only with its first message");
}

Result<store::Session> Sessions::open(const Call& call, const Submission& submission) {
  TRY_VOID(check(submission));
  const bool instructs = submission.messages.front().role == chat::Role::System;
  auto found = is_id(submission.session)
                   ? sessions_.find(call, submission.owner, submission.session)
                   : sessions_.find_named(call, submission.owner, submission.session);
  if (found.ok() && instructs) TRY_VOID(check_is_first(call, found.value(), submission));
  if (found.ok() || found.error().code != Code::NotFound || is_id(submission.session)) return found;
  return sessions_.create_for_message(call, submission.owner, submission.session);
}

Sessions::LivePtr Sessions::live(std::int64_t message_id) {
  MutexLock lock(mutex_);
  LivePtr& live = live_[message_id];
  // One that has ended belongs to a turn that was parked, or is about to be forgotten.
  if (live && !live->audience->has_ended()) return live;
  live = std::make_shared<Live>();
  live->audience = std::make_shared<Audience>([weak = std::weak_ptr(live)] {
    if (const auto left = weak.lock(); left && !left->stays) left->stop.request_stop();
  });
  return live;
}

void Sessions::forget(std::int64_t message_id, const LivePtr& live) {
  MutexLock lock(mutex_);
  const auto found = live_.find(message_id);
  if (found != live_.end() && found->second == live) live_.erase(found);
}

/// The ending of a turn that nobody makes any more.
Result<void> Sessions::tell_past(const Call& call, const store::Inbound& inbound,
                                 Audience& audience) {
  if (inbound.state != store::Inbound::State::Done) {
    audience.tell(chat::Failed{{Code::Unavailable, inbound.reason, {}}});
    return ok();
  }
  store::Transcript transcript(parts_.store, parts_.time);
  TRY(const auto entries,
      transcript.read_turn(call, inbound.offer.session_id, inbound.turn.value_or(0)));
  const chat::Delta said = last_words(entries);
  const chat::Usage usage = usage_of(call, inbound);
  audience.tell(chat::Started{usage.prompt_tokens, usage.cached_tokens});
  audience.tell(said);
  audience.tell(chat::Finished{
      .reason = said.tool_calls.empty() ? chat::FinishReason::Stop : chat::FinishReason::ToolCalls,
      .usage = usage});
  return ok();
}

/// Of all calls of the model in its turn; nothing once its journal is not kept any more.
chat::Usage Sessions::usage_of(const Call& call, const store::Inbound& inbound) {
  store::Journal journal(parts_.store, parts_.time);
  const auto rounds =
      kept_rounds(call, journal, inbound.offer.session_id, inbound.turn.value_or(0));
  chat::Usage sum;
  if (!rounds.ok()) return sum;
  for (const Round& round : rounds.value()) add_to(sum, round.usage);
  return sum;
}

State Sessions::state(const std::string& session_id) const {
  MutexLock lock(mutex_);
  const auto found = states_.find(session_id);
  return found == states_.end() ? State::Idle : found->second;
}

Result<std::size_t> Sessions::cancel(const Call& call, const std::string& owner,
                                     const std::string& session_id, const Which& which) {
  TRY(const store::Session session, sessions_.find(call, owner, session_id));
  TRY(auto open, inbox_.unfinished_of(call, session.id));
  std::erase_if(open, [&which](const store::Inbound& inbound) {
    return (which.key && inbound.offer.key != which.key) ||
           (which.turn && inbound.turn != which.turn);
  });
  // The newest first, so that none begins because the one before it was stopped.
  for (auto inbound = open.rbegin(); inbound != open.rend(); ++inbound)
    TRY_VOID(stop_one(call, *inbound));
  return open.size();
}

/// A turn that runs ends by itself; of others only the row has to end.
Result<void> Sessions::stop_one(const Call& call, const store::Inbound& inbound) {
  LivePtr here;
  {
    MutexLock lock(mutex_);
    const auto found = live_.find(inbound.id);
    if (found != live_.end()) here = found->second;
    if (here) here->stop.request_stop();
    if (here && here->runs) return ok();
  }
  const auto dropped = drop(call, inbound);
  if (!dropped.ok() && dropped.error().code == Code::InvalidInput) return ok();  // it just ended
  if (!dropped.ok()) return dropped;
  if (here) here->audience->tell(chat::Failed{{Code::Cancelled, kCancelled, {}}});
  forget(inbound.id, here);
  return ok();
}

Result<ContextView> Sessions::view_context(const Call& call, const std::string& owner,
                                           const std::string& session_id) {
  TRY(const store::Session session, sessions_.find(call, owner, session_id));
  return agent::view_context(call, parts_, session.id);
}

/// A turn that was begun may have done something, which its end must not hide.
Result<void> Sessions::drop(const Call& call, const store::Inbound& inbound) {
  if (!inbound.turn) return inbox_.drop(call, inbound.id, kCancelled);
  store::Turns turns(parts_.store, parts_.time);
  TRY_VOID(turns.commit(
      call,
      {.message_id = inbound.id, .end = store::Inbound::State::Dropped, .reason = kCancelled}));
  return ok();
}

std::size_t Sessions::turns() const {
  MutexLock lock(mutex_);
  return active_.size();
}

// ---- what somebody has to decide ----------------------------------------------------------------

Result<std::unique_ptr<model::Generation>> Sessions::decide(
    const Call& call, const std::string& owner, const std::string& approval_id,
    const Toolbox::Answer& answer, std::shared_ptr<model::EventSink> sink) {
  const Error unknown{Code::NotFound, "there is no approval \"" + approval_id + "\""};
  if (!parts_.toolbox) return unknown;
  TRY(const store::Approval decided, parts_.toolbox->decide(call, owner, approval_id, answer));
  const std::string& session = decided.asked.session_id;
  TRY(const auto open, inbox_.unfinished_of(call, session));
  if (open.empty() || open.front().turn != decided.asked.turn) return unknown;  // cancelled since
  auto listening = live(open.front().id)->audience->join(std::move(sink));
  schedule(session);
  return listening;
}

Result<std::vector<chat::Question>> Sessions::questions(const Call& call,
                                                        const std::string& owner) const {
  if (!parts_.toolbox) return std::vector<chat::Question>();
  return parts_.toolbox->waiting(call, owner);
}

Result<void> Sessions::expire(const Call& call) {
  store::Approvals approvals(parts_.store, parts_.time);
  TRY(const auto expired, approvals.expire(call));
  for (const store::Approval& approval : expired) schedule(approval.asked.session_id);
  return ok();
}

void Sessions::watch_expiry(const std::stop_token& stop) {
  Mutex mutex;
  std::condition_variable_any stopped;
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex);
      stopped.wait_for(mutex, stop, kExpiryPause, [] { return false; });
    }
    if (stop.stop_requested()) return;
    retry();
    const auto done = expire(Call::within(kStoreMax, stop));
    if (!done.ok()) log::warn("expired approvals cannot be read: {}", done.error().message);
  }
}

void Sessions::retry() {
  std::set<std::string> later;
  {
    MutexLock lock(mutex_);
    later.swap(later_);
  }
  for (const std::string& session : later) schedule(session);
}

// ---- threads ------------------------------------------------------------------------------------

void Sessions::schedule(const std::string& session_id) {
  MutexLock lock(mutex_);
  if (stopping_) return;
  resting_.request_stop();
  resting_ = {};
  if (!active_.insert(session_id).second) {
    again_.insert(session_id);
    return;
  }
  ready_.push_back(session_id);
  if (idle_threads_ < ready_.size() && threads_.size() < bounds_.turns_max)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  changed_.notify_one();
}

void Sessions::work(const std::stop_token& stop) {
  while (const auto session = next_session(stop)) serve(*session);
}

std::optional<std::string> Sessions::next_session(const std::stop_token& stop) {
  MutexLock lock(mutex_);
  ++idle_threads_;
  while (ready_.empty() && !stop.stop_requested() && !stopping_) changed_.wait(mutex_);
  --idle_threads_;
  if (ready_.empty() || stopping_) return std::nullopt;
  std::string session = std::move(ready_.front());
  ready_.pop_front();
  return session;
}

/// Makes one turn of the session; the others of it wait behind those of other sessions.
void Sessions::serve(const std::string& session_id) {
  const auto message = next_message(Call::within(kStoreMax), session_id);
  if (!message.ok())
    log::error("session {}: its next message cannot be read: {}", session_id,
               message.error().message);
  auto outcome = message.ok() ? Turn::Outcome::Parked : Turn::Outcome::Left;
  if (message.ok() && message.value()) outcome = run(*message.value());
  MutexLock lock(mutex_);
  if (outcome == Turn::Outcome::Left) later_.insert(session_id);
  const bool more = again_.erase(session_id) > 0 || outcome == Turn::Outcome::Ended;
  if (more && !stopping_) {
    ready_.push_back(session_id);
    changed_.notify_one();
  } else {
    active_.erase(session_id);
  }
}

/// The one that runs already, if a crash left it so, or the next that waits.
Result<std::optional<store::Inbound>> Sessions::next_message(const Call& call,
                                                             const std::string& session_id) {
  TRY(auto open, inbox_.unfinished_of(call, session_id));
  if (open.empty()) return std::optional<store::Inbound>();
  if (open.front().state == store::Inbound::State::Running) return std::optional(open.front());
  return inbox_.begin(call, session_id);
}

Turn::Outcome Sessions::run(const store::Inbound& message) {
  const LivePtr here = live(message.id);
  {
    MutexLock lock(mutex_);
    here->runs = true;
    if (stopping_) return Turn::Outcome::Left;
  }
  const std::string& session = message.offer.session_id;
  Turn turn(parts_, message, *here->audience, [&](Event event) { note(session, event); });
  const auto why = [this] { return stopping_ ? Turn::Stop::ShuttingDown : Turn::Stop::Cancelled; };
  const auto outcome = turn.run(Call::within(parts_.turn_timeout, here->stop.get_token()), why);
  forget(message.id, here);
  if (outcome == Turn::Outcome::Ended) rest(turn, session);
  return outcome;
}

/// Only while no other session has anything to do, and no longer than that.
void Sessions::rest(Turn& turn, const std::string& session_id) {
  std::stop_token stop;
  {
    MutexLock lock(mutex_);
    if (stopping_ || active_.size() > 1 || again_.contains(session_id)) return;
    stop = resting_.get_token();
  }
  turn.rest(Call::within(parts_.turn_timeout, stop));
}

void Sessions::note(const std::string& session_id, Event event) {
  MutexLock lock(mutex_);
  const auto found = states_.find(session_id);
  const State now = found == states_.end() ? State::Idle : found->second;
  if (now == State::Waiting && event == Event::Message) event = Event::Decided;
  const auto then = next(now, event);
  if (!then) return log::error("session {}: an event made no sense", session_id);
  if (*then == State::Idle) {
    states_.erase(session_id);
  } else {
    states_[session_id] = *then;
  }
}

}  // namespace hearth::agent
