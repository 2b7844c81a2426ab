#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "chat/message_json.h"
#include "dialect/stream.h"

/// Conversations and answers by a seed, and how to compare them: for tests.
namespace hearth::dialect::testing {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// One to four words, some of which need escapes or several bytes; not blank at either end.
inline std::string random_text(Dice& dice) {
  static const std::vector<std::string> kWords = {
      "hello",   "\"quoted\"", "back\\slash", "{\"a\":1}", "日本", "naïve", "🦊", "</s>",
      "data: x", "[DONE]",     "tab\there",   "a\nb",      "0",    "null",  "\x01", "<|im_end|>"};
  std::string text = kWords[dice.below(kWords.size())];
  for (std::size_t more = dice.below(4); more > 0; --more)
    text += " " + kWords[dice.below(kWords.size())];
  return text;
}

inline std::string random_arguments(Dice& dice) {
  Json arguments = Json::object();
  for (std::size_t count = dice.below(4); count > 0; --count) {
    const std::string name = "field_" + std::to_string(count);
    if (dice.one_in(3))
      arguments[name] = {1, true, nullptr, "x", {{"deep", 0.5}}};
    else if (dice.one_in(2))
      arguments[name] = dice.below(1'000);
    else
      arguments[name] = random_text(dice);
  }
  return chat::json_text(arguments);
}

inline std::vector<chat::Image> random_images(Dice& dice, const std::string& text) {
  std::vector<chat::Image> images;
  // At the beginning, before the second word, or at the end, in this order.
  const std::size_t middle = std::min(text.find(' '), text.size());
  for (const std::size_t at : {std::size_t{0}, middle, text.size()}) {
    if (!dice.one_in(2)) continue;
    chat::Image image{.at = static_cast<std::uint32_t>(at)};
    if (dice.one_in(2)) {
      image.url = "https://example.org/" + std::to_string(dice.below(100)) + ".png";
    } else {
      image.media_type = dice.one_in(2) ? "image/png" : "image/jpeg";
      image.data = dice.one_in(2) ? "iVBORw0KGgo=" : "/9j/4AAQSkZJRgABAQ==";
    }
    images.push_back(std::move(image));
  }
  return images;
}

struct Shape {
  bool images = true;
  bool errors = true;  // tools that failed
  bool formats = false;
  float temperature_max = 1;
  std::size_t stops_max = 4;
};

class RandomTalk {
 public:
  RandomTalk(std::uint64_t seed, Shape shape) : dice_(seed), shape_(shape) {}

  Ask ask();
  Answer answer();
  /// The answer's events, cut anywhere between characters.
  std::vector<chat::Event> events(const Answer& answer);

 private:
  std::string call_id() { return "call_" + std::to_string(++calls_made_); }
  void add_round();
  chat::ToolCall call();
  void add_tools();
  void cut(const std::string& text, const std::function<chat::Delta(std::string)>& as,
           std::vector<chat::Event>& out);

  Dice dice_;
  Shape shape_;
  chat::Conversation talk_{};
  std::size_t calls_made_ = 0;
};

inline chat::ToolCall RandomTalk::call() {
  return {call_id(), "tool_" + std::to_string(dice_.below(3)), random_arguments(dice_)};
}

inline void RandomTalk::add_round() {
  chat::Message user{.role = chat::Role::User, .content = random_text(dice_)};
  if (shape_.images && dice_.one_in(3)) user.images = random_images(dice_, user.content);
  talk_.messages.push_back(std::move(user));
  if (dice_.one_in(4)) return;
  chat::Message said{.role = chat::Role::Assistant, .content = {}};
  const bool calls = dice_.one_in(2);
  if (!calls || dice_.one_in(2)) said.content = random_text(dice_);
  for (std::size_t i = 0; calls && i <= dice_.below(3); ++i) said.tool_calls.push_back(call());
  talk_.messages.push_back(said);
  for (const chat::ToolCall& one : said.tool_calls) {
    chat::Message result{.role = chat::Role::Tool,
                         .content = dice_.one_in(6) ? "" : random_text(dice_),
                         .tool_call_id = one.id,
                         .name = one.name};
    result.is_error = shape_.errors && dice_.one_in(4);
    talk_.messages.push_back(std::move(result));
  }
}

inline void RandomTalk::add_tools() {
  using Mode = chat::ToolChoice::Mode;
  for (std::size_t i = 0; i < 3; ++i)
    talk_.tools.push_back(
        {"tool_" + std::to_string(i), random_text(dice_),
         R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"});
  talk_.tool_choice.mode = static_cast<Mode>(dice_.below(4));
  if (talk_.tool_choice.mode == Mode::Named) talk_.tool_choice.name = "tool_1";
  talk_.parallel_tool_calls = talk_.tool_choice.mode == Mode::None || dice_.one_in(2);
}

inline Ask RandomTalk::ask() {
  talk_ = {};
  if (dice_.one_in(2))
    talk_.messages.push_back({.role = chat::Role::System, .content = random_text(dice_)});
  for (std::size_t rounds = dice_.below(5); rounds > 0; --rounds) add_round();
  talk_.messages.push_back({.role = chat::Role::User, .content = random_text(dice_)});
  if (dice_.one_in(2)) add_tools();
  Ask ask{.model = "model-" + std::to_string(dice_.below(9)), .stream = dice_.one_in(2)};
  ask.request.tokens_max = static_cast<std::uint32_t>(1 + dice_.below(5'000));
  chat::Sampling& sampling = ask.request.sampling;
  if (dice_.one_in(2))
    sampling.temperature = shape_.temperature_max * static_cast<float>(dice_.below(11)) / 10;
  else if (dice_.one_in(2))
    sampling.top_p = static_cast<float>(1 + dice_.below(9)) / 10;
  for (std::size_t i = dice_.below(shape_.stops_max + 1); i > 0; --i)
    ask.request.stop.push_back(random_text(dice_));
  ask.request.prompt = talk_;
  return ask;
}

inline Answer RandomTalk::answer() {
  Answer answer{.id = "answer_1", .model = "model-1"};
  if (dice_.one_in(3)) answer.message.reasoning = random_text(dice_);
  if (!dice_.one_in(4)) answer.message.content = random_text(dice_);
  if (dice_.one_in(2))
    for (std::size_t i = 0; i <= dice_.below(3); ++i) answer.message.tool_calls.push_back(call());
  using Reason = chat::FinishReason;
  answer.finished.reason = !answer.message.tool_calls.empty() ? Reason::ToolCalls
                           : dice_.one_in(3)                  ? Reason::Length
                                                              : Reason::Stop;
  chat::Usage& usage = answer.finished.usage;
  usage.cached_tokens = static_cast<std::uint32_t>(dice_.below(100));
  usage.prompt_tokens = usage.cached_tokens + static_cast<std::uint32_t>(1 + dice_.below(100));
  usage.completion_tokens = static_cast<std::uint32_t>(1 + dice_.below(100));
  return answer;
}

inline void RandomTalk::cut(const std::string& text,
                            const std::function<chat::Delta(std::string)>& as,
                            std::vector<chat::Event>& out) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(text.size(), begin + 1 + dice_.below(6));
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    out.emplace_back(as(text.substr(begin, end - begin)));
    begin = end;
  }
}

inline std::vector<chat::Event> RandomTalk::events(const Answer& answer) {
  const chat::Usage& usage = answer.finished.usage;
  std::vector<chat::Event> out = {
      chat::Started{.prompt_tokens = usage.prompt_tokens, .cached_tokens = usage.cached_tokens}};
  cut(
      answer.message.reasoning, [](std::string s) { return chat::Delta{.reasoning = s}; }, out);
  cut(
      answer.message.content, [](std::string s) { return chat::Delta{.content = s}; }, out);
  for (std::uint32_t i = 0; i < answer.message.tool_calls.size(); ++i) {
    const chat::ToolCall& one = answer.message.tool_calls[i];
    out.emplace_back(chat::Delta{.tool_calls = {{i, one.id, one.name, ""}}});
    cut(
        one.arguments,
        [i](std::string s) {
          return chat::Delta{.tool_calls = {{i, "", "", s}}};
        },
        out);
  }
  out.emplace_back(answer.finished);
  return out;
}

/// All that a dialect may carry of an ask, as text.
inline std::string shown(const Ask& ask) {
  const auto& talk = std::get<chat::Conversation>(ask.request.prompt);
  Json out = {{"model", ask.model}, {"stream", ask.stream}, {"cache", ask.cache_behind}};
  for (const chat::Message& message : talk.messages)
    out["messages"].push_back(chat::message_text(message));
  for (const chat::Tool& tool : talk.tools)
    out["tools"].push_back({tool.name, tool.description, tool.parameters});
  out["choice"] = {static_cast<int>(talk.tool_choice.mode), talk.tool_choice.name,
                   talk.parallel_tool_calls};
  const chat::Request& request = ask.request;
  out["tokens_max"] = request.tokens_max.value_or(0);
  out["stop"] = request.stop;
  out["sampling"] = {request.sampling.temperature, request.sampling.top_p, request.sampling.top_k,
                     request.sampling.seed.value_or(0)};
  out["format"] = {static_cast<int>(request.format.kind), request.format.source};
  return out.dump(1);
}

inline std::string shown(const Answer& answer) {
  const chat::Finished& finished = answer.finished;
  const chat::Usage& usage = finished.usage;
  Json out = {{"id", answer.id},
              {"model", answer.model},
              {"message", chat::message_text(answer.message)},
              {"reason", chat::finish_reason_name(finished.reason)},
              {"stop", finished.stop_string},
              {"notes", finished.notes}};
  out["usage"] = {usage.prompt_tokens, usage.cached_tokens, usage.cache_written_tokens,
                  usage.completion_tokens};
  return out.dump(1);
}

/// What a stream says, put together; the last event is the second.
struct Told {
  Answer answer{};
  std::optional<chat::Started> started{};
  std::optional<Error> failed{};
  std::size_t last_events = 0;
};
inline void take_events(const std::vector<chat::Event>& events, Told& told) {
  for (const chat::Event& event : events) {
    if (const auto* const started = std::get_if<chat::Started>(&event)) told.started = *started;
    if (const auto* const delta = std::get_if<chat::Delta>(&event))
      chat::absorb(told.answer.message, *delta);
    if (const auto* const finished = std::get_if<chat::Finished>(&event))
      told.answer.finished = *finished;
    if (const auto* const failed = std::get_if<chat::Failed>(&event)) told.failed = failed->error;
    told.last_events += chat::is_last(event) ? 1 : 0;
  }
}
inline Told read_stream(StreamReader& reader, const std::vector<std::string>& datas) {
  Told told;
  for (const std::string& data : datas) take_events(reader.take(data), told);
  take_events(reader.end(), told);
  told.answer.id = reader.id();
  told.answer.model = reader.model();
  return told;
}

}  // namespace hearth::dialect::testing
