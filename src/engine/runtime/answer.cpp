#include "engine/runtime/answer.h"

#include <algorithm>
#include <iterator>

namespace hearth::engine {
namespace {

std::vector<std::string> all_stops(const GenerateJob& job) {
  std::vector<std::string> stops = job.request.stop;
  const std::vector<std::string>& own = job.prompt.additional_stops;
  stops.insert(stops.end(), own.begin(), own.end());
  return stops;
}

void append(chat::Delta& to, chat::Delta from) {
  to.content += from.content;
  to.reasoning += from.reasoning;
  std::move(from.tool_calls.begin(), from.tool_calls.end(), std::back_inserter(to.tool_calls));
}

}  // namespace

Answer::Answer(const LoadedModel& model, const GenerateJob& job, std::uint32_t tokens_max)
    : model_(model),
      job_(job),
      tokens_max_(tokens_max),
      text_(all_stops(job)),
      parser_(job.prompt) {}

Result<Answer::Step> Answer::add(llama_token token, std::optional<chat::TokenChoice> choice) {
  ++tokens_;
  chat::Delta delta;
  if (!job_.request.ignore_eos && llama_vocab_is_eog(model_.vocab(), token)) {
    TRY_VOID(show(text_.finish(), delta));
    return finish(std::move(delta), chat::FinishReason::Stop);
  }
  const std::string piece = model_.piece(token, job_.prompt.kept_as_text(token));
  said_bytes_ += piece.size();
  if (choice) described_.push_back({said_bytes_, std::move(*choice)});

  StopText::Release released = text_.add(piece);
  const bool stopped = !released.stop.empty();
  // The template's own stops end an answer as its end token would; they are no one's business.
  const std::vector<std::string>& asked = job_.request.stop;
  if (std::find(asked.begin(), asked.end(), released.stop) != asked.end())
    stop_string_ = released.stop;
  TRY_VOID(show(std::move(released), delta));
  if (stopped) return finish(std::move(delta), chat::FinishReason::Stop);
  if (tokens_ >= tokens_max_) {
    TRY_VOID(show(text_.finish(), delta));
    return finish(std::move(delta), chat::FinishReason::Length);
  }
  if (!is_empty(delta)) add_logprobs(delta);
  return Step{.delta = std::move(delta)};
}

Result<void> Answer::show(StopText::Release released, chat::Delta& delta) {
  shown_bytes_ = released.bytes;
  if (released.text.empty()) return ok();
  TRY(chat::Delta parsed, parser_.feed(released.text));
  append(delta, std::move(parsed));
  return ok();
}

Result<Answer::Step> Answer::finish(chat::Delta delta, chat::FinishReason reason) {
  TRY(chat::Delta rest, parser_.finish());
  append(delta, std::move(rest));
  add_logprobs(delta);
  const bool calls = reason == chat::FinishReason::Stop && parser_.called_tools();
  return Step{.delta = std::move(delta),
              .finished = calls ? chat::FinishReason::ToolCalls : reason};
}

void Answer::add_logprobs(chat::Delta& delta) {
  while (!described_.empty() && described_.front().ends_at <= shown_bytes_) {
    delta.logprobs.push_back(std::move(described_.front().choice));
    described_.pop_front();
  }
}

}  // namespace hearth::engine
