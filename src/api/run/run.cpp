#include "api/run/run.h"

#include <algorithm>

namespace hearth::api {

class Run::Sink final : public model::EventSink {
 public:
  Sink(std::shared_ptr<Run> run, std::size_t index) : run_(std::move(run)), index_(index) {}
  void on_event(const chat::Event& event) override { run_->on_event(index_, event); }

 private:
  const std::shared_ptr<Run> run_;
  const std::size_t index_;
};

Run::Run(RunPlan plan, std::shared_ptr<net::Exchange> exchange, Runs& runs)
    : writer_(std::move(plan.writer)),
      stream_(plan.stream),
      check_(std::move(plan.check)),
      runs_(runs),
      exchange_(std::move(exchange)),
      requests_(std::move(plan.requests)),
      choices_(std::move(plan.choices)),
      phases_(requests_.size(), Phase::Waiting),
      opened_(requests_.size(), false),
      generations_(requests_.size()) {}

void Run::start(model::Model& model) {
  start([&model](chat::Request request, std::shared_ptr<model::EventSink> sink) {
    return model.start(std::move(request), std::move(sink));
  });
}

void Run::start(const Start& start) {
  runs_.add(shared_from_this());
  watch_client();
  std::size_t count = 0;
  {
    MutexLock lock(mutex_);
    count = requests_.size();
  }
  for (std::size_t i = 0; i < count && start_one(start, i); ++i) {
  }
  MutexLock lock(mutex_);
  launching_ = false;
  retire_if_settled();
}

void Run::watch_client() {
  MutexLock lock(mutex_);
  client_gone_.emplace(exchange_->stop(), [weak = weak_from_this(), &runs = runs_] {
    if (auto run = weak.lock()) runs.cancel(std::move(run));
  });
}

/// False when no more should be started. The model is called without the lock, since its first
/// events may come before start() returns.
bool Run::start_one(const Start& start, std::size_t index) {
  chat::Request request;
  {
    MutexLock lock(mutex_);
    if (over_) return false;
    phases_[index] = Phase::Running;
    request = std::move(requests_[index]);
  }
  auto generation = start(std::move(request), std::make_shared<Sink>(shared_from_this(), index));
  bool too_late = false;
  {
    MutexLock lock(mutex_);
    if (!generation.ok()) {
      phases_[index] = Phase::Ended;
      if (!over_) fail(generation.error());
      return false;
    }
    generations_[index] = std::move(generation).value();
    too_late = over_ && phases_[index] == Phase::Running;
  }
  // Given up while the model was being asked: the cancel order may have missed this one.
  if (too_late) runs_.cancel(shared_from_this());
  return !too_late;
}

void Run::on_event(std::size_t index, const chat::Event& event) {
  MutexLock lock(mutex_);
  Choice& choice = choices_[index];
  if (const auto* started = std::get_if<chat::Started>(&event)) {
    choice.started = *started;
    if (!over_) writer_->start(*started);
  }
  if (const auto* delta = std::get_if<chat::Delta>(&event); delta && !over_)
    on_delta(choice, *delta);
  const auto* finished = std::get_if<chat::Finished>(&event);
  const auto* failed = std::get_if<chat::Failed>(&event);
  if (!finished && !failed) return;
  phases_[index] = Phase::Ended;
  if (finished && !over_) on_finished(choice, *finished);
  if (failed && !over_) fail(failed->error);
  retire_if_settled();
}

void Run::on_delta(Choice& choice, const chat::Delta& delta) {
  if (!stream_ || is_checked(choice) || writer_->needs_messages()) absorb(choice, delta);
  if (!stream_) return;
  open(choice, &delta);
  if (!over_) send(writer_->piece(choice, delta));
  choice.characters += count_characters(delta.content);
}

void Run::on_finished(Choice& choice, const chat::Finished& finished) {
  choice.finished = finished;
  if (is_checked(choice) && finished.reason != chat::FinishReason::Length)
    choice.violations = check_->violations(choice.message);
  const bool last = all_finished();
  if (stream_) {
    open(choice, nullptr);
    if (over_) return;
    send(writer_->closing(choice, choices_));
  }
  if (last && !over_) finish();
}

/// Sends what comes before a choice's first delta, and before that the status line.
void Run::open(Choice& choice, const chat::Delta* first) {
  if (!begun_) exchange_->begin(200, writer_->stream_headers());
  begun_ = true;
  const auto place = static_cast<std::size_t>(&choice - choices_.data());
  if (opened_[place]) return;
  opened_[place] = true;
  choice.characters = count_characters(choice.echo);
  send(writer_->opening(choice, first));
}

void Run::send(std::string text) {
  if (!text.empty() && !exchange_->write(std::move(text))) abandon();
}

void Run::finish() {
  over_ = true;
  if (!stream_) return exchange_->respond(writer_->whole(choices_));
  if (std::string text = writer_->ending(choices_); !text.empty())
    exchange_->write(std::move(text));
  exchange_->end();
}

/// Before the first byte an error is an HTTP error; after it, the stream says so at its end.
void Run::fail(const Error& error) {
  if (!begun_) {
    exchange_->respond(writer_->refusal(error));
  } else {
    exchange_->write(writer_->breakage(error));
    exchange_->end();
  }
  abandon();
}

/// Nobody wants the rest: the generations that still run are stopped, on the thread of Runs.
void Run::abandon() {
  over_ = true;
  runs_.cancel(shared_from_this());
}

bool Run::is_checked(const Choice& choice) const {
  return check_ && !choice.started.loosened.empty();
}

bool Run::all_finished() const {
  return std::all_of(choices_.begin(), choices_.end(),
                     [](const Choice& choice) { return choice.finished.has_value(); });
}

void Run::retire_if_settled() {
  const bool running = std::find(phases_.begin(), phases_.end(), Phase::Running) != phases_.end();
  if (launching_ || running || retired_) return;
  retired_ = true;
  runs_.retire(shared_from_this());
}

void Run::cancel(const Error& why) {
  std::vector<model::Generation*> live;
  {
    MutexLock lock(mutex_);
    if (retired_ && !exchange_) return;
    if (!over_) fail(why);
    for (const auto& generation : generations_)
      if (generation) live.push_back(generation.get());
  }
  for (auto* generation : live) generation->cancel();
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < generations_.size(); ++i)
    if (std::find(live.begin(), live.end(), generations_[i].get()) != live.end())
      phases_[i] = Phase::Ended;
  retire_if_settled();
}

void Run::release() {
  std::vector<std::unique_ptr<model::Generation>> generations;
  std::shared_ptr<net::Exchange> exchange;
  {
    MutexLock lock(mutex_);
    generations.swap(generations_);
    exchange.swap(exchange_);
  }
  generations.clear();  // without the lock, which their last events may want
  MutexLock lock(mutex_);
  client_gone_.reset();  // waits for a callback that is running; that one takes no lock of ours
}

}  // namespace hearth::api
