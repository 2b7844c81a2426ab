#include "dialect/stream.h"

#include <utility>

#include "chat/message_json.h"
#include "dialect/parts/answered.h"

namespace hearth::dialect {

std::vector<chat::Event> StreamReader::take(std::string_view data) {
  if (is_over_ || read_text(data)) return std::exchange(events_, {});
  if (data.size() > kStreamDataBytesMax) {
    fail({Code::Unavailable, "the provider sent an event of more than 16 MiB", {}});
    return std::exchange(events_, {});
  }
  const auto event = parse_json(data, "the provider's stream");
  if (event.ok())
    read(event.value());
  else
    fail({Code::Unavailable, event.error().message, {}});
  return std::exchange(events_, {});
}

std::vector<chat::Event> StreamReader::end() {
  if (is_over_) return {};
  if (is_whole())
    finish();
  else
    fail({Code::Unavailable, "the provider's stream ended before its answer did", {}});
  return std::exchange(events_, {});
}

void StreamReader::start() {
  if (is_started_) return;
  is_started_ = true;
  events_.emplace_back(
      chat::Started{.prompt_tokens = usage_.prompt_tokens, .cached_tokens = usage_.cached_tokens});
}

void StreamReader::say(chat::Delta delta) {
  if (is_over_ || chat::is_empty(delta)) return;
  start();
  events_.emplace_back(std::move(delta));
}

void StreamReader::say_text(std::string text) { say({.content = std::move(text)}); }

void StreamReader::say_reasoning(std::string text) { say({.reasoning = std::move(text)}); }

bool StreamReader::begin_call(std::string id, std::string name) {
  if (calls_ == chat::kToolsMax) {
    fail({Code::Unavailable,
          "the provider's answer has more than " + std::to_string(chat::kToolsMax) + " tool calls",
          {}});
    return false;
  }
  say({.tool_calls = {{.index = calls_++, .id = std::move(id), .name = std::move(name)}}});
  return true;
}

void StreamReader::say_arguments(std::uint32_t call, std::string arguments) {
  if (!arguments.empty()) say({.tool_calls = {{.index = call, .arguments = std::move(arguments)}}});
}

void StreamReader::finish() {
  if (is_over_) return;
  start();
  is_over_ = true;
  finished_.usage = usage_;
  if (calls_ > 0 && finished_.reason == chat::FinishReason::Stop)
    finished_.reason = chat::FinishReason::ToolCalls;
  events_.emplace_back(std::move(finished_));
}

void StreamReader::fail(Error error) {
  if (is_over_) return;
  is_over_ = true;
  events_.emplace_back(chat::Failed{std::move(error)});
}

std::string event_text(const Frame& frame) {
  std::string text = frame.event.empty() ? "" : "event: " + frame.event + "\n";
  return text + "data: " + chat::json_text(frame.data) + "\n\n";
}

std::string line_text(const Frame& frame) { return chat::json_text(frame.data) + "\n"; }

std::vector<Frame> StreamWriter::write(const chat::Event& event) {
  if (is_over_) return {};
  if (!is_started_ && !std::holds_alternative<chat::Failed>(event)) {
    is_started_ = true;
    const auto* const started = std::get_if<chat::Started>(&event);
    start(started ? *started : chat::Started{});
  }
  if (const auto* const delta = std::get_if<chat::Delta>(&event)) take(*delta);
  is_over_ = chat::is_last(event);
  if (const auto* const finished = std::get_if<chat::Finished>(&event)) {
    end_calls();
    lose_questions(*finished, lost_);
    finish(*finished);
  }
  if (const auto* const failed = std::get_if<chat::Failed>(&event)) fail(failed->error);
  return std::exchange(frames_, {});
}

void StreamWriter::put(std::string event, Json data) {
  frames_.push_back({std::move(event), std::move(data)});
}

void StreamWriter::take(const chat::Delta& delta) {
  if (!delta.logprobs.empty()) lost_.add("logprobs", "this dialect's stream has none");
  if (!delta.reasoning.empty() || !delta.content.empty()) end_calls();
  if (!delta.reasoning.empty()) reasoning(delta.reasoning);
  if (!delta.content.empty()) text(delta.content);
  for (const chat::ToolCallDelta& piece : delta.tool_calls) take_call(piece);
}

void StreamWriter::take_call(const chat::ToolCallDelta& piece) {
  const bool is_late = !open_call_ && piece.id.empty() && piece.name.empty();
  if (is_late)
    return lost_.add("tool_calls[" + std::to_string(piece.index) + "].arguments",
                     "a piece came when the call was over");
  if (!open_call_ || *open_call_ == piece.index) {
    call(piece, !open_call_);
    open_call_ = piece.index;
    return;
  }
  chat::ToolCallDelta& waiting = waiting_[piece.index];
  waiting.index = piece.index;
  waiting.id += piece.id;
  waiting.name += piece.name;
  waiting.arguments += piece.arguments;
}

void StreamWriter::end_calls() {
  open_call_.reset();
  for (const auto& [index, piece] : std::exchange(waiting_, {})) call(piece, true);
}

}  // namespace hearth::dialect
