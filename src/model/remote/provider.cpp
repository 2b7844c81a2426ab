#include <algorithm>
#include <map>

#include "base/fields.h"
#include "chat/message_json.h"
#include "model/remote.h"
#include "model/remote/asking.h"

namespace hearth::model {
namespace remote {

Line::Line(ProviderOptions given, std::unique_ptr<Wire> how, net::Url address, net::Client& over,
           const TimeSource& clock, metrics::Registry& metrics, std::shared_ptr<Alarm::Bell> bell)
    : options(std::move(given)),
      wire(std::move(how)),
      base(std::move(address)),
      client(over),
      time(clock),
      later(std::move(bell)),
      answered(metrics.counter("hearth_provider_answers_total", "What became of questions.",
                               {{"provider", options.name}, {"end", "answered"}})),
      failed(metrics.counter("hearth_provider_answers_total", "What became of questions.",
                             {{"provider", options.name}, {"end", "failed"}})),
      cancelled(metrics.counter("hearth_provider_answers_total", "What became of questions.",
                                {{"provider", options.name}, {"end", "cancelled"}})),
      retried(metrics.counter("hearth_provider_retries_total",
                              "Questions that were asked again because the provider was busy.",
                              {{"provider", options.name}})),
      first_word_s(metrics.histogram(
          "hearth_provider_first_word_seconds", "Time until an answer began, with all waits.",
          {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}, {{"provider", options.name}})) {}

Error Line::named(Error error) const {
  error.message = options.name + ": " + without_key(std::move(error.message));
  return error;
}

std::string Line::without_key(std::string text) const {
  constexpr std::string_view kInstead = "***";
  const std::string& key = options.key.reveal();
  if (key.size() < kSecretBytesMin) return text;
  for (std::size_t at = text.find(key); at != std::string::npos;
       at = text.find(key, at + kInstead.size()))
    text.replace(at, key.size(), kInstead);
  return text;
}

namespace {

class RemoteGeneration final : public Generation {
 public:
  explicit RemoteGeneration(std::shared_ptr<Asking> asking) : asking_(std::move(asking)) {}
  ~RemoteGeneration() override { asking_->give_up(std::nullopt); }
  void cancel() override {
    asking_->give_up(chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled", {}}}));
  }

 private:
  const std::shared_ptr<Asking> asking_;
};

/// What was answered before anybody was asked.
class AnsweredGeneration final : public Generation {
 public:
  void cancel() override {}
};

/// Behind the instructions and behind all that was said: what a session's next question begins
/// with.
std::vector<std::uint32_t> marks_of(const chat::Cache& cache, const chat::Conversation& talk) {
  if (!cache.provider_marks.empty()) return cache.provider_marks;
  if (!cache.border_messages) return {};
  return {*cache.border_messages, static_cast<std::uint32_t>(talk.messages.size())};
}

class RemoteModel final : public Model {
 public:
  RemoteModel(std::shared_ptr<Line> line, std::string id)
      : line_(std::move(line)), id_(std::move(id)), name_(line_->options.name + "/" + id_) {}

  const std::string& name() const override { return name_; }
  State state() const override {
    return line_->options.trouble.empty() ? State::Ready : State::Failed;
  }
  std::string state_text() const override { return line_->options.trouble; }
  engine::ModelFacts facts() const override {
    engine::ModelFacts facts;
    facts.name = name_;
    facts.context_tokens = line_->options.context_tokens;
    return facts;
  }
  std::uint32_t context_tokens() const override { return line_->options.context_tokens; }
  bool is_on_demand() const override { return true; }
  bool is_local() const override { return false; }
  Result<void> load() override { return elsewhere(); }
  Result<void> unload() override { return elsewhere(); }

  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;
  Result<Embeddings> embed(const Call&, std::vector<EmbedInput>) override {
    return not_here("makes no embeddings");
  }
  Result<std::vector<chat::Token>> tokenize(const Call&, std::string, bool, bool) override {
    return not_here("does not show its tokens");
  }
  Result<std::string> detokenize(const Call&, std::vector<chat::Token>) override {
    return not_here("does not show its tokens");
  }
  Result<std::size_t> count_tokens(const Call&, std::string text) override {
    return static_cast<std::size_t>(tokens_usually(text));
  }

 private:
  Error not_here(const char* what) const {
    return {Code::InvalidInput, "'" + name_ + "' is a provider's model, which " + what, "model"};
  }
  Error elsewhere() const { return not_here("is loaded there"); }
  Result<Question> question_of(chat::Request request) const;

  const std::shared_ptr<Line> line_;
  const std::string id_, name_;
};

Result<void> check(const chat::Request& request) {
  if (!std::holds_alternative<chat::Conversation>(request.prompt))
    return field_error("prompt", "a provider's model takes messages only");
  if (request.deterministic)
    return field_error("deterministic", "a provider does not promise the same answer again");
  return ok();
}

/// Only counted: by a guess, since asking would cost.
void answer_with_count(const chat::Conversation& talk, EventSink& sink) {
  std::uint64_t sum = tokens_usually(talk.tail);
  for (const chat::Message& message : talk.messages)
    sum += 4 + tokens_usually(chat::message_text(message));
  for (const chat::Tool& tool : talk.tools)
    sum += tokens_usually(tool.description) + tokens_usually(tool.parameters);
  const auto tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, UINT32_MAX));
  sink.on_event(chat::Started{.prompt_tokens = tokens});
  sink.on_event(
      chat::Finished{.reason = chat::FinishReason::Length, .usage = {.prompt_tokens = tokens}});
}

Result<Question> RemoteModel::question_of(chat::Request request) const {
  const ProviderOptions& options = line_->options;
  const bool may_wait = !request.another_waits;
  if (!request.tokens_max) request.tokens_max = options.answer_tokens_max;
  dialect::Ask ask{.model = id_, .request = std::move(request), .stream = true};
  ask.cache_behind = marks_of(ask.request.cache, std::get<chat::Conversation>(ask.request.prompt));
  TRY(auto written, line_->wire->write(ask));
  Question question{.lost = std::move(written.lost),
                    .may_wait = may_wait,
                    .answer_tokens_max = *ask.request.tokens_max};
  question.deadline = Clock::now() + options.request_timeout;
  net::Url url = line_->base;
  url.target += line_->wire->target(id_);
  question.request = net::request_to(url, "POST");
  question.request.headers = line_->wire->headers(options.key.reveal());
  question.request.headers.emplace_back("Content-Type", "application/json");
  question.request.body = chat::json_text(written.what);
  question.request.timeouts.first_byte = options.first_byte_timeout;
  question.request.timeouts.between_bytes = options.token_timeout;
  return question;
}

Result<std::unique_ptr<Generation>> RemoteModel::start(chat::Request request,
                                                       std::shared_ptr<EventSink> sink) {
  const ProviderOptions& options = line_->options;
  if (!options.trouble.empty()) return line_->named({Code::Unavailable, options.trouble, "model"});
  TRY_VOID(check(request));
  if (request.tokens_max == 0u) {
    answer_with_count(std::get<chat::Conversation>(request.prompt), *sink);
    return std::unique_ptr<Generation>(std::make_unique<AnsweredGeneration>());
  }
  if (line_->running >= options.requests_max)
    return line_->named({Code::Busy,
                         "its " + std::to_string(options.requests_max) +
                             " requests (provider.requests_max) all run",
                         "model"});
  TRY(auto question, question_of(std::move(request)));
  const auto asking = std::make_shared<Asking>(line_, std::move(question), std::move(sink));
  auto begun = asking->begin();
  if (!begun.ok()) return line_->named(begun.error());
  return std::unique_ptr<Generation>(std::make_unique<RemoteGeneration>(asking));
}

class RealProvider final : public Provider {
 public:
  RealProvider(ProviderOptions options, std::unique_ptr<Wire> wire, net::Url base,
               net::Client& client, const TimeSource& time, metrics::Registry& metrics)
      : line_(std::make_shared<Line>(std::move(options), std::move(wire), std::move(base), client,
                                     time, metrics, alarm_.bell())) {}

  const std::string& name() const override { return line_->options.name; }
  const std::string& kind() const override { return line_->options.kind; }

  Model* model(std::string_view model) override {
    MutexLock lock(mutex_);
    const auto known = models_.find(model);
    if (known != models_.end()) return known->second.get();
    if (!is_model_name(model) || models_.size() == kModelsMax) return nullptr;
    auto made = std::make_unique<RemoteModel>(line_, std::string(model));
    return models_.emplace(model, std::move(made)).first->second.get();
  }

 private:
  static bool is_model_name(std::string_view name) {
    const auto visible = [](char c) { return c > ' ' && c <= '~'; };
    return !name.empty() && name.size() <= kModelNameBytesMax &&
           std::ranges::all_of(name, visible) &&
           name.find_first_not_of("./") != std::string_view::npos;
  }

  Alarm alarm_{};
  const std::shared_ptr<Line> line_;
  Mutex mutex_{};
  std::map<std::string, std::unique_ptr<RemoteModel>, std::less<>> models_ GUARDED_BY(mutex_){};
};

Result<void> check_key(const ProviderOptions& options) {
  const std::string& key = options.key.reveal();
  const auto visible = [](char c) { return c > ' ' && c <= '~'; };
  if (std::ranges::all_of(key, visible)) return ok();
  return Error{Code::InvalidInput,
               "the key of provider '" + options.name + "' holds characters that no key has",
               "provider.key_env"};
}

}  // namespace
}  // namespace remote

Result<std::unique_ptr<Provider>> Provider::open(ProviderOptions options, net::Client& client,
                                                 const TimeSource& time,
                                                 metrics::Registry& metrics) {
  const remote::Kind* const kind = remote::find_kind(options.kind);
  TRY(auto wire, remote::make_wire(options.kind));
  TRY(auto base, remote::base_of(*kind, options.url));
  TRY_VOID(remote::check_key(options));
  return std::unique_ptr<Provider>(std::make_unique<remote::RealProvider>(
      std::move(options), std::move(wire), std::move(base), client, time, metrics));
}

std::string Provider::usual_key_variable(std::string_view kind) {
  const remote::Kind* const found = remote::find_kind(kind);
  return found ? found->key_variable : "";
}

}  // namespace hearth::model
