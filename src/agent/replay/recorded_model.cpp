#include "agent/replay/recorded_model.h"

#include <utility>

namespace hearth::agent {
namespace {

const chat::Message kNothing{.role = chat::Role::Assistant, .content = {}};

std::vector<chat::Token> all_tokens(const std::vector<chat::Token>& seen, const Round& round) {
  if (round.tokens.empty() || seen.size() < round.seen_tokens) return {};
  std::vector<chat::Token> all(seen.begin(), seen.begin() + round.seen_tokens);
  all.insert(all.end(), round.tokens.begin(), round.tokens.end());
  return all;
}

}  // namespace

/// Hears an answer, gives its calls the ids of then, and passes it on.
class RecordedModel::Listener final : public model::EventSink {
 public:
  Listener(RecordedModel& owner, chat::Request asked, std::shared_ptr<model::EventSink> sink)
      : owner_(owner), asked_(std::move(asked)), sink_(std::move(sink)) {}

  void on_event(const chat::Event& event) override {
    if (const auto* started = std::get_if<chat::Started>(&event)) answer_.started = *started;
    if (const auto* delta = std::get_if<chat::Delta>(&event)) return hear(*delta);
    if (const auto* finished = std::get_if<chat::Finished>(&event)) {
      answer_.finished = *finished;
      owner_.note(asked_, answer_);
    }
    sink_->on_event(event);
  }

 private:
  void hear(chat::Delta delta) {
    const auto& known = owner_.said(owner_.remade_.size()).tool_calls;
    for (chat::ToolCallDelta& piece : delta.tool_calls)
      if (!piece.id.empty() && piece.index < known.size()) piece.id = known[piece.index].id;
    chat::absorb(answer_.message, delta);
    sink_->on_event(delta);
  }

  RecordedModel& owner_;
  const chat::Request asked_;
  model::Answer answer_{.message = kNothing, .finished = {}};
  const std::shared_ptr<model::EventSink> sink_;
};

RecordedModel::RecordedModel(const Recording& recording, model::Model& model)
    : Forwarding(model), recording_(recording) {}
RecordedModel::~RecordedModel() = default;

bool RecordedModel::is_over() const {
  if (!remade_.empty() && !(is_same_prompt(remade_.back()) && is_same_answer(remade_.back())))
    return true;
  return remade_.size() >= recording_.rounds.size();
}

/// What the model said in a round of then.
const chat::Message& RecordedModel::said(std::size_t round) const {
  std::size_t number = 0;
  for (const store::Entry& entry : recording_.said)
    if (entry.message.role == chat::Role::Assistant && number++ == round) return entry.message;
  return kNothing;
}

Result<std::unique_ptr<model::Generation>> RecordedModel::start(
    chat::Request request, std::shared_ptr<model::EventSink> sink) {
  if (request.tokens_max == 0u) return model_.start(std::move(request), std::move(sink));
  if (is_over()) return Error{Code::Cancelled, "the recording ends here"};
  const Round& then = recording_.rounds[remade_.size()];
  if (then.begins && !may_begin_)
    return Error{Code::Cancelled, "the turn was parked or cut off here"};
  auto& talk = std::get<chat::Conversation>(request.prompt);
  talk.tail = then.tail;
  request.sampling.seed = then.seed;
  request.day = then.day;
  request.cache = {};  // nothing of it is worth keeping
  const auto listener = std::make_shared<Listener>(*this, request, std::move(sink));
  return model_.start(std::move(request), listener);
}

void RecordedModel::note(const chat::Request& asked, const model::Answer& answer) {
  const std::size_t number = remade_.size();
  Remade one{.then = recording_.rounds[number],
             .now = round_of(model_, asked, answer),
             .said_then = said(number),
             .said_now = answer.message};
  const auto& seen = std::get<chat::Conversation>(asked.prompt).seen.tokens;
  one.tokens_then = all_tokens(seen, one.then);
  one.tokens_now = all_tokens(seen, one.now);
  remade_.push_back(std::move(one));
  may_begin_ = false;
}

bool is_same_prompt(const Remade& remade) {
  return remade.then.inputs_digest == remade.now.inputs_digest;
}

bool is_same_answer(const Remade& remade) {
  return remade.then.answer_digest == remade.now.answer_digest;
}

}  // namespace hearth::agent
