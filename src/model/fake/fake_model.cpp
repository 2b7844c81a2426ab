#include "model/fake_model.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <thread>

#include "base/mutex.h"
#include "model/delivery/delivery.h"
#include "model/fake/script.h"

namespace hearth::model {

/// The running generations and the one thread that plays their events.
class FakeModel::Stage {
 public:
  explicit Stage(Options script) : options(std::move(script)) {}

  struct Part {
    std::shared_ptr<Delivery> delivery;
    std::deque<chat::Event> events;
    bool manual = false;
  };
  using PartPointer = std::shared_ptr<Part>;

  void open() {
    player_ = std::jthread([this](const std::stop_token& stop) { play(stop); });
  }
  void shut() {
    player_.request_stop();
    if (player_.joinable()) player_.join();
    fail_all({Code::Unavailable, "the model was closed"});
  }

  Result<PartPointer> add(chat::Request request, std::shared_ptr<EventSink> sink) {
    MutexLock lock(mutex_);
    if (state_ != State::Ready) return Error{Code::Unavailable, state_text_};
    if (parts_.size() >= options.generations_max)
      return Error{Code::Busy, "too many requests wait already for model '" + options.name + "'"};
    auto part = std::make_shared<Part>();
    part->delivery = std::make_shared<Delivery>(std::move(sink));
    part->events = fake::make_events(options, request);
    part->manual = fake::is_manual(options, request);
    parts_.push_back(part);
    requests_.push_back(std::move(request));
    changed_.notify_all();
    return part;
  }

  void remove(const PartPointer& part, std::optional<chat::Event> last) {
    const bool ended_here = part->delivery->close(std::move(last));
    MutexLock lock(mutex_);
    parts_.remove(part);
    cancelled_ += ended_here ? 1 : 0;
    changed_.notify_all();
  }

  std::size_t step(std::size_t events) {
    MutexLock lock(mutex_);
    steps_ += events;
    const std::size_t target = stepped_ + events;
    changed_.notify_all();
    while (stepped_ < target && (playing_ || next_part())) changed_.wait(mutex_);
    const std::size_t left = target - stepped_;
    steps_ -= left;
    return events - left;
  }

  void fail_all(const Error& error) {
    std::list<PartPointer> parts;
    {
      MutexLock lock(mutex_);
      parts.swap(parts_);
    }
    for (const auto& part : parts) part->delivery->close(chat::Event(chat::Failed{error}));
  }

  void set_state(State state, std::string text) {
    MutexLock lock(mutex_);
    state_ = state;
    state_text_ = std::move(text);
  }
  State state() const {
    MutexLock lock(mutex_);
    return state_;
  }
  std::string state_text() const {
    MutexLock lock(mutex_);
    return state_text_;
  }
  Result<void> check_ready() const {
    MutexLock lock(mutex_);
    if (state_ != State::Ready) return Error{Code::Unavailable, state_text_};
    return ok();
  }
  std::vector<chat::Request> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }
  std::size_t running() const {
    MutexLock lock(mutex_);
    return parts_.size();
  }
  std::size_t cancelled() const {
    MutexLock lock(mutex_);
    return cancelled_;
  }

  const Options options;

 private:
  /// The part whose event comes next, or nullptr.
  PartPointer next_part() const REQUIRES(mutex_) {
    const auto found = std::find_if(parts_.begin(), parts_.end(),
                                    [this](const auto& part)
                                        REQUIRES(mutex_) { return !part->manual || steps_ > 0; });
    return found == parts_.end() ? nullptr : *found;
  }

  void play(const std::stop_token& stop) {
    while (true) {
      PartPointer part;
      chat::Event event;
      {
        MutexLock lock(mutex_);
        changed_.wait(mutex_, stop, [this]() REQUIRES(mutex_) { return next_part() != nullptr; });
        if (stop.stop_requested()) return;
        part = next_part();
        event = std::move(part->events.front());
        part->events.pop_front();
        if (part->events.empty()) parts_.remove(part);
        if (part->manual) --steps_;
        playing_ = true;
      }
      const bool more = part->delivery->deliver(event);
      MutexLock lock(mutex_);
      if (!more) parts_.remove(part);
      playing_ = false;
      stepped_ += part->manual ? 1 : 0;
      changed_.notify_all();
    }
  }

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::list<PartPointer> parts_ GUARDED_BY(mutex_);
  std::vector<chat::Request> requests_ GUARDED_BY(mutex_);
  State state_ GUARDED_BY(mutex_) = State::Ready;
  std::string state_text_ GUARDED_BY(mutex_);
  std::size_t steps_ GUARDED_BY(mutex_) = 0;    // ordered, not yet taken
  std::size_t stepped_ GUARDED_BY(mutex_) = 0;  // delivered, ever
  std::size_t cancelled_ GUARDED_BY(mutex_) = 0;
  bool playing_ GUARDED_BY(mutex_) = false;
  std::jthread player_;
};

FakeModel::FakeModel(Options options) : stage_(std::make_shared<Stage>(std::move(options))) {
  stage_->open();
}
FakeModel::~FakeModel() { stage_->shut(); }

std::size_t FakeModel::step(std::size_t events) { return stage_->step(events); }
void FakeModel::set_state(State state, std::string text) {
  stage_->set_state(state, std::move(text));
}
void FakeModel::fail_all(const Error& error) { stage_->fail_all(error); }
std::vector<chat::Request> FakeModel::requests() const { return stage_->requests(); }
std::size_t FakeModel::running() const { return stage_->running(); }
std::size_t FakeModel::cancelled() const { return stage_->cancelled(); }

const std::string& FakeModel::name() const { return stage_->options.name; }
State FakeModel::state() const { return stage_->state(); }
std::string FakeModel::state_text() const { return stage_->state_text(); }
std::uint32_t FakeModel::context_tokens() const { return stage_->options.context_tokens; }

engine::ModelFacts FakeModel::facts() const {
  engine::ModelFacts facts;
  facts.name = name();
  facts.architecture = "fake";
  facts.quantization = "none";
  facts.context_tokens = context_tokens();
  facts.embedding_length = 8;
  facts.vocabulary = 256;
  facts.tokenizer = "bytes";
  return facts;
}

Result<std::unique_ptr<Generation>> FakeModel::start(chat::Request request,
                                                     std::shared_ptr<EventSink> sink) {
  struct Running final : Generation {
    Running(std::shared_ptr<Stage> stage, Stage::PartPointer part)
        : stage_(std::move(stage)), part_(std::move(part)) {}
    ~Running() override { stage_->remove(part_, std::nullopt); }
    void cancel() override {
      stage_->remove(part_,
                     chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled"}}));
    }
    std::shared_ptr<Stage> stage_;
    Stage::PartPointer part_;
  };
  TRY(auto part, stage_->add(std::move(request), std::move(sink)));
  return std::unique_ptr<Generation>(std::make_unique<Running>(stage_, std::move(part)));
}

Result<Embeddings> FakeModel::embed(const Call&, std::vector<EmbedInput> inputs) {
  TRY_VOID(stage_->check_ready());
  Embeddings embeddings;
  for (const auto& input : inputs) {
    embeddings.vectors.push_back(fake::make_vector(input));
    embeddings.prompt_tokens += fake::count_tokens(input);
  }
  return embeddings;
}

Result<std::vector<chat::Token>> FakeModel::tokenize(const Call&, std::string text, bool, bool) {
  TRY_VOID(stage_->check_ready());
  std::vector<chat::Token> tokens;
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

Result<std::string> FakeModel::detokenize(const Call&, std::vector<chat::Token> tokens) {
  TRY_VOID(stage_->check_ready());
  std::string text;
  for (const auto token : tokens) {
    if (token < 0 || token > 255)
      return Error{Code::InvalidInput, "tokens: no token " + std::to_string(token), "tokens"};
    text.push_back(static_cast<char>(token));
  }
  return text;
}

}  // namespace hearth::model
