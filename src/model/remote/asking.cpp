#include "model/remote/asking.h"

#include <algorithm>

#include "base/random.h"
#include "chat/message_json.h"
#include "model/passing.h"
#include "net/retry_after.h"

namespace hearth::model::remote {
namespace {

constexpr std::size_t kTroubleBytesMax = 64 * 1024;       // of an error's body
constexpr std::size_t kWholeBytesMax = 64 * 1024 * 1024;  // of an answer that is no stream
constexpr std::uint32_t kDoublingsMax = 6;                // of the wait before the next attempt
constexpr std::uint64_t kAnswerBytesSpare = 1024 * 1024;  // for any answer ...
constexpr std::uint64_t kBytesPerTokenMax = 64;           // ... and for each token that it may have

bool is_json(const net::Response& head) {
  const std::string* const type = head.header("Content-Type");
  return type && type->starts_with("application/json");
}

/// Between three quarters and five quarters of it, so that many who wait do not come at once.
Millis spread(Millis wait) {
  const auto part = static_cast<Millis::rep>(random_u64() % 513);  // of 512
  return wait * 3 / 4 + wait * part / 1'024;
}

/// A whole answer as the events that would have brought it.
std::vector<chat::Event> events_of(const dialect::Answer& answer) {
  const chat::Usage& usage = answer.finished.usage;
  std::vector<chat::Event> events = {
      chat::Started{.prompt_tokens = usage.prompt_tokens, .cached_tokens = usage.cached_tokens}};
  chat::Delta delta{.content = answer.message.content, .reasoning = answer.message.reasoning};
  for (const chat::ToolCall& call : answer.message.tool_calls)
    delta.tool_calls.push_back(
        {static_cast<std::uint32_t>(delta.tool_calls.size()), call.id, call.name, call.arguments});
  if (!chat::is_empty(delta)) events.emplace_back(std::move(delta));
  events.emplace_back(answer.finished);
  return events;
}

}  // namespace

Asking::Asking(std::shared_ptr<Line> line, Question question, std::shared_ptr<EventSink> sink)
    : line_(std::move(line)),
      question_(std::move(question)),
      began_(line_->time.now()),
      delivery_(std::move(sink)) {
  ++line_->running;
}

Asking::~Asking() { end(); }

Result<void> Asking::begin() { return ask(); }

Result<void> Asking::ask() {
  std::uint32_t attempt = 0;
  {
    MutexLock lock(mutex_);
    if (over_) return ok();
    attempt = ++attempts_;
  }
  head_ = {};
  kept_.clear();
  parser_ = {};
  reader_ = line_->wire->reader("call_" + random_id(""));
  held_.reset();
  is_begun_ = is_told_ = false;
  TRY(auto transfer,
      line_->client.start({question_.deadline, {}}, question_.request, shared_from_this()));
  MutexLock lock(mutex_);
  // It may have ended already, and the next attempt have begun.
  if (attempt == attempts_ && !over_) std::swap(transfer_, transfer);
  return ok();
}

void Asking::ask_again() {
  line_->retried.add();
  const auto asked = ask();
  if (!asked.ok()) fail(asked.error(), std::nullopt);
}

void Asking::on_sent() {
  MutexLock lock(mutex_);
  is_sent_ = true;
}

void Asking::on_head(const net::Response& head) {
  head_ = head;
  body_ = head.status != 200 ? Body::Trouble : is_json(head) ? Body::Whole : Body::Stream;
  MutexLock lock(mutex_);
  is_sent_ = head.status == 200;  // a refusal costs nothing
}

net::TransferSink::Flow Asking::on_piece(std::string_view piece) {
  if (body_ == Body::Stream) {
    parser_.feed(piece, [this](std::string_view data) { take(events_in(data)); });
    return Flow::More;
  }
  const std::size_t max = body_ == Body::Whole ? kWholeBytesMax : kTroubleBytesMax;
  kept_.append(piece.substr(0, max - std::min(max, kept_.size())));
  return Flow::More;
}

void Asking::on_end(const Result<void>& outcome) {
  std::unique_ptr<net::Transfer> done_with;
  {
    MutexLock lock(mutex_);
    done_with = std::move(transfer_);
    if (over_) return;
  }
  if (is_told_) return;
  if (!outcome.ok()) return broke_off(outcome.error());
  if (body_ == Body::Trouble) return refused();
  body_ == Body::Whole ? read_whole() : take(reader_->end());
}

void Asking::broke_off(Error error) {
  // It has begun to answer, and may charge for that, whatever of it came here.
  is_begun_ = held_.has_value();
  // Its headers, or one of its lines: that does not lie in the question.
  if (error.code == Code::TooLarge) error.code = Code::Unavailable;
  fail(std::move(error), std::nullopt);
}

void Asking::refused() {
  Error error = line_->wire->error(head_.status, line_->without_key(kept_));
  const bool is_key = error.code == Code::Denied && head_.status != 403;
  if (is_key && line_->options.key.reveal().empty())
    error.message += "; none was sent: set key_env or key_file of [[provider]]";
  else if (is_key && !line_->options.key_from.empty())
    error.message += "; it is from " + line_->options.key_from;
  fail(std::move(error), net::retry_after(head_, line_->time.wall()));
}

void Asking::read_whole() {
  const auto body = parse_json(kept_, "the provider's answer");
  if (!body.ok()) return fail({Code::Unavailable, body.error().message, {}}, std::nullopt);
  const auto answer = line_->wire->read(body.value(), "call_" + random_id(""));
  if (!answer.ok()) return fail(answer.error(), std::nullopt);
  take(events_of(answer.value().what));
}

/// A long error is cut where it is read, so the key in it has to be gone by then.
std::vector<chat::Event> Asking::events_in(std::string_view data) {
  const std::string& key = line_->options.key.reveal();
  if (key.size() < Line::kSecretBytesMin || data.find(key) == std::string_view::npos)
    return reader_->take(data);
  return reader_->take(line_->without_key(std::string(data)));
}

void Asking::take(const std::vector<chat::Event>& events) {
  for (const chat::Event& event : events) take(event);
}

/// A beginning alone is not said yet: what fails behind it can still be asked again, or of another.
void Asking::take(const chat::Event& event) {
  if (is_told_) return;
  if (const auto* const started = std::get_if<chat::Started>(&event)) {
    held_ = *started;
    held_->loosened = question_.lost.lines();
    MutexLock lock(mutex_);
    known_.prompt_tokens = started->prompt_tokens;
    known_.cached_tokens = started->cached_tokens;
    return;
  }
  is_told_ = chat::is_last(event);
  if (const auto* const failed = std::get_if<chat::Failed>(&event))
    return fail(failed->error, std::nullopt);
  say_started();
  const auto* const delta = std::get_if<chat::Delta>(&event);
  if (delta && says_too_much(*delta)) return cut_off();
  deliver(event);
}

bool Asking::says_too_much(const chat::Delta& delta) {
  MutexLock lock(mutex_);
  said_bytes_ += bytes_said(delta);
  return said_bytes_ > kAnswerBytesSpare + kBytesPerTokenMax * question_.answer_tokens_max;
}

/// Nobody could hold an answer without an end.
void Asking::cut_off() {
  std::unique_ptr<net::Transfer> transfer;
  {
    MutexLock lock(mutex_);
    transfer = std::move(transfer_);
  }
  fail({Code::Unavailable,
        "the provider goes on far beyond the " + std::to_string(question_.answer_tokens_max) +
            " tokens that its answer may have",
        {}},
       std::nullopt);
}

void Asking::say_started() {
  if (!held_) return;
  const chat::Started started = *std::exchange(held_, std::nullopt);
  {
    MutexLock lock(mutex_);
    has_spoken_ = true;
  }
  const std::chrono::duration<double> took = line_->time.now() - began_;
  line_->first_word_s.observe(took.count());
  deliver(started);
}

void Asking::deliver(const chat::Event& event) {
  const bool is_last = chat::is_last(event);
  if (is_last) line_->answered.add();
  if (is_last) end();  // first: who gets it may let go of this, and the connection shall stay
  if (!delivery_.deliver(event) && !is_last) give_up(std::nullopt);  // its sink threw
}

std::optional<Millis> Asking::pause_before_next(const Error& error, std::optional<Millis> wait) {
  const auto& options = line_->options;
  std::uint32_t made = 0;
  {
    MutexLock lock(mutex_);
    // Who was silent for so long would be so again, and may charge for both.
    const bool was_late = is_sent_ && error.code == Code::Timeout;
    if (has_spoken_ || over_ || was_late || is_begun_) return std::nullopt;
    made = attempts_;
  }
  if (!question_.may_wait || !is_passing(error) || made > options.retries_max) return std::nullopt;
  const Millis pause =
      wait.value_or(spread(options.retry_wait_first * (1 << std::min(made - 1, kDoublingsMax))));
  if (pause > options.retry_wait_max || line_->time.now() + pause >= question_.deadline)
    return std::nullopt;
  return pause;
}

void Asking::fail(Error error, std::optional<Millis> wait) {
  is_told_ = true;
  const auto pause = pause_before_next(error, wait);
  const auto again = [self = weak_from_this()] {
    if (const auto asking = self.lock()) asking->ask_again();
  };
  if (pause && line_->later->at(Clock::now() + *pause, again)) return;
  if (wait && *wait > Millis(0))
    error.message +=
        "; it asks for " + std::to_string((wait->count() + 999) / 1'000) + " s of patience";
  error.field.clear();
  line_->failed.add();
  end();
  const auto usage = charged(error.code == Code::Timeout ? EndedBy::Us : EndedBy::Provider);
  delivery_.deliver(chat::Failed{line_->named(std::move(error)), usage});
}

/// Whom we left before the first word may have thought until then, and charges for it. Nobody has
/// counted, so it is the most.
std::optional<chat::Usage> Asking::charged(EndedBy who) {
  MutexLock lock(mutex_);
  if (!is_sent_) return std::nullopt;
  chat::Usage usage = known_;
  if (who == EndedBy::Us && !has_spoken_) {
    usage.completion_tokens = question_.answer_tokens_max;
    return usage;
  }
  usage.completion_tokens = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(tokens_said(said_bytes_), question_.answer_tokens_max));
  return usage;
}

/// No more is said. The connection is left to end by itself, if the answer is whole.
void Asking::end() {
  MutexLock lock(mutex_);
  if (!std::exchange(over_, true)) --line_->running;
}

void Asking::give_up(std::optional<chat::Event> last) {
  std::unique_ptr<net::Transfer> transfer;
  bool was_running = false;
  {
    MutexLock lock(mutex_);
    was_running = !over_;
    if (was_running) transfer = std::move(transfer_);
  }
  if (!was_running) {
    delivery_.close(std::move(last));
    return;
  }
  if (last)
    if (auto* const failed = std::get_if<chat::Failed>(&*last))
      failed->charged = charged(EndedBy::Us);
  line_->cancelled.add();
  end();
  delivery_.close(std::move(last));
}

}  // namespace hearth::model::remote
