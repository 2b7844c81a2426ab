#include <algorithm>
#include <cmath>

#include "engine/wire/readers.h"
#include "engine/wire/reply_wire.h"

namespace hearth::engine::wire {
namespace {

using json = nlohmann::ordered_json;

constexpr double kLogprobMin = -9'999;  // "never", as OpenAI's API writes it
constexpr double kMillisMax = 1e12;

// ---- writing. Empty parts are left out: one Delta is sent for nearly every token. --------------

json body(const chat::Started& started) {
  json value{{"prompt_tokens", started.prompt_tokens},
             {"cached_tokens", started.cached_tokens},
             {"seed", started.seed},
             {"deterministic", started.deterministic}};
  for (const std::string& line : started.loosened) value["loosened"].push_back(clean(line));
  return value;
}

json body(const chat::ToolCallDelta& call) {
  json value{{"index", call.index}};
  if (!call.id.empty()) value["id"] = clean(call.id);
  if (!call.name.empty()) value["name"] = clean(call.name);
  if (!call.arguments.empty()) value["arguments"] = clean(call.arguments);
  return value;
}

json body(const chat::TokenLogprob& token) {
  const double logprob = std::isnan(token.logprob) ? kLogprobMin : token.logprob;
  return {{"token", token.token},
          {"bytes", json::binary({token.bytes.begin(), token.bytes.end()})},
          {"logprob", std::clamp(logprob, kLogprobMin, 0.0)}};
}

json body(const chat::TokenChoice& choice) {
  json value = body(choice.chosen);
  for (const auto& token : choice.top) value["top"].push_back(body(token));
  return value;
}

json body(const chat::Delta& delta) {
  json value = json::object();
  if (!delta.content.empty()) value["content"] = clean(delta.content);
  if (!delta.reasoning.empty()) value["reasoning"] = clean(delta.reasoning);
  for (const auto& call : delta.tool_calls) value["tool_calls"].push_back(body(call));
  for (const auto& choice : delta.logprobs) value["logprobs"].push_back(body(choice));
  return value;
}

double in_range(double ms) { return std::isnan(ms) ? 0 : std::clamp(ms, 0.0, kMillisMax); }

json body(const chat::Trace& trace) {
  return {{"tokens", trace.tokens},
          {"follows_seen", trace.follows_seen},
          {"tail_begin", trace.tail_begin},
          {"tail_tokens", trace.tail_tokens},
          {"border_tokens", trace.border_tokens}};
}

json body(const chat::Finished& finished) {
  json value{{"reason", static_cast<int>(finished.reason)},
             {"stop_string", clean(finished.stop_string)},
             {"prompt_tokens", finished.usage.prompt_tokens},
             {"cached_tokens", finished.usage.cached_tokens},
             {"completion_tokens", finished.usage.completion_tokens},
             {"prompt_ms", in_range(finished.timings.prompt_ms)},
             {"predicted_ms", in_range(finished.timings.predicted_ms)},
             {"queued_ms", in_range(finished.timings.queued_ms)},
             {"drafted_tokens", finished.timings.drafted_tokens},
             {"accepted_tokens", finished.timings.accepted_tokens},
             {"forced_tokens", finished.timings.forced_tokens}};
  if (!finished.trace.tokens.empty()) value["trace"] = body(finished.trace);
  return value;
}

// ---- reading ----------------------------------------------------------------------------------

Result<std::vector<std::string>> read_loosened(const Fields& fields) {
  TRY(const json* lines, fields.array("loosened", chat::kLoosenedMax));
  if (!lines) return std::vector<std::string>();
  const bool fits = std::ranges::all_of(*lines, [](const json& line) {
    return line.is_string() && line.get_ref<const std::string&>().size() <= chat::kLoosenedBytesMax;
  });
  if (!fits) return fields.wrong("loosened", "must hold texts of at most 256 bytes");
  return lines->get<std::vector<std::string>>();
}

Result<chat::Event> read_started(const Fields& fields) {
  chat::Started started;
  TRY(started.prompt_tokens, read_u32(fields, "prompt_tokens"));
  TRY(started.cached_tokens, read_u32(fields, "cached_tokens", 0, started.prompt_tokens));
  TRY(started.seed, read_u32(fields, "seed"));
  TRY(started.deterministic, read_flag(fields, "deterministic"));
  TRY(started.loosened, read_loosened(fields));
  return chat::Event(started);
}

Result<chat::ToolCallDelta> read_tool_call(const Fields& fields) {
  chat::ToolCallDelta call;
  TRY(call.index, read_u32(fields, "index"));
  TRY(call.id, read_text_or_empty(fields, "id"));
  TRY(call.name, read_text_or_empty(fields, "name"));
  TRY(call.arguments, read_text_or_empty(fields, "arguments"));
  return call;
}

Result<chat::TokenLogprob> read_logprob(const Fields& fields) {
  chat::TokenLogprob token;
  TRY(const auto id, read_whole(fields, "token", {0, std::numeric_limits<chat::Token>::max()}));
  token.token = static_cast<chat::Token>(id);
  TRY(token.bytes, read_bytes(fields, "bytes"));
  TRY(token.logprob, read_float(fields, "logprob", {kLogprobMin, 0}));
  return token;
}

Result<chat::TokenChoice> read_choice(const Fields& fields) {
  chat::TokenChoice choice;
  TRY(choice.chosen, read_logprob(fields));
  TRY(const json* top, fields.array("top", chat::kTopLogprobsMax));
  for (std::size_t i = 0; top && i < top->size(); ++i) {
    TRY(const auto item, Fields::of((*top)[i], item_path(fields.path("top"), i)));
    TRY(auto token, read_logprob(item));
    choice.top.push_back(std::move(token));
  }
  return choice;
}

Result<chat::Event> read_delta(const Fields& fields) {
  chat::Delta delta;
  TRY(delta.content, read_text_or_empty(fields, "content"));
  TRY(delta.reasoning, read_text_or_empty(fields, "reasoning"));
  TRY(const json* calls, fields.array("tool_calls", kAnyBytes));
  for (std::size_t i = 0; calls && i < calls->size(); ++i) {
    TRY(const auto item, Fields::of((*calls)[i], item_path(fields.path("tool_calls"), i)));
    TRY(auto call, read_tool_call(item));
    delta.tool_calls.push_back(std::move(call));
  }
  TRY(const json* logprobs, fields.array("logprobs", kAnyBytes));
  for (std::size_t i = 0; logprobs && i < logprobs->size(); ++i) {
    TRY(const auto item, Fields::of((*logprobs)[i], item_path(fields.path("logprobs"), i)));
    TRY(auto choice, read_choice(item));
    delta.logprobs.push_back(std::move(choice));
  }
  return chat::Event(std::move(delta));
}

Result<chat::Trace> read_trace(const Fields& fields) {
  chat::Trace trace;
  TRY(trace.tokens, read_tokens(fields, "tokens"));
  const auto most = static_cast<std::uint32_t>(trace.tokens.size());
  TRY(trace.follows_seen, read_flag(fields, "follows_seen"));
  TRY(trace.tail_begin, read_u32(fields, "tail_begin", 0, most));
  TRY(trace.tail_tokens, read_u32(fields, "tail_tokens", 0, most - trace.tail_begin));
  TRY(trace.border_tokens, read_u32(fields, "border_tokens"));
  return trace;
}

Result<chat::Event> read_finished(const Fields& fields) {
  chat::Finished finished;
  TRY(finished.reason, read_enum<chat::FinishReason>(fields, "reason", 3));
  TRY(finished.stop_string, read_text(fields, "stop_string", chat::kStopBytesMax));
  auto& usage = finished.usage;
  TRY(usage.prompt_tokens, read_u32(fields, "prompt_tokens"));
  TRY(usage.cached_tokens, read_u32(fields, "cached_tokens", 0, usage.prompt_tokens));
  TRY(usage.completion_tokens, read_u32(fields, "completion_tokens"));
  TRY(finished.timings.prompt_ms, read_number(fields, "prompt_ms", {0, kMillisMax}));
  TRY(finished.timings.predicted_ms, read_number(fields, "predicted_ms", {0, kMillisMax}));
  TRY(finished.timings.queued_ms, read_number(fields, "queued_ms", {0, kMillisMax}));
  auto& drafted = finished.timings.drafted_tokens;
  TRY(drafted, read_u32(fields, "drafted_tokens"));
  TRY(finished.timings.accepted_tokens, read_u32(fields, "accepted_tokens", 0, drafted));
  TRY(finished.timings.forced_tokens, read_u32(fields, "forced_tokens"));
  if (fields.has("trace")) {
    TRY(const auto trace, read_object(fields, "trace"));
    TRY(finished.trace, read_trace(trace));
  }
  return chat::Event(std::move(finished));
}

}  // namespace

void add_event(json& value, const chat::Event& event) {
  if (const auto* delta = std::get_if<chat::Delta>(&event)) {
    value["delta"] = body(*delta);
  } else if (const auto* started = std::get_if<chat::Started>(&event)) {
    value["started"] = body(*started);
  } else if (const auto* finished = std::get_if<chat::Finished>(&event)) {
    value["finished"] = body(*finished);
  } else {
    value["failed"] = error_body(std::get<chat::Failed>(event).error);
  }
}

Result<chat::Event> read_event(const Fields& fields) {
  using Reader = Result<chat::Event> (*)(const Fields&);
  constexpr std::pair<const char*, Reader> kReaders[] = {
      {"delta", read_delta}, {"started", read_started}, {"finished", read_finished}};
  for (const auto& [name, read] : kReaders) {
    if (!fields.has(name)) continue;
    TRY(const auto event, read_object(fields, name));
    return read(event);
  }
  TRY(const auto failed, read_object(fields, "failed"));
  TRY(auto failure, read_error(failed));
  return chat::Event(std::move(failure));
}

}  // namespace hearth::engine::wire
