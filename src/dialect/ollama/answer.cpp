#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/utf8.h"
#include "dialect/ollama.h"
#include "dialect/parts/answered.h"
#include "dialect/parts/lenient.h"
#include "dialect/parts/told.h"

namespace hearth::dialect::ollama {
namespace {

std::uint64_t nanoseconds(double ms) {
  return ms > 0 ? static_cast<std::uint64_t>(std::llround(ms * 1e6)) : 0;
}

Json envelope(const Header& header) {
  return {{"model", header.model}, {"created_at", time_text(header.created_ms)}};
}

/// What is said, in the place that the endpoint has for it.
void put_said(Json& out, Endpoint endpoint, const std::string& text, const std::string& thinking,
              Json calls) {
  if (endpoint == Endpoint::Generate) {
    out["response"] = text;
    if (!thinking.empty()) out["thinking"] = thinking;
    return;
  }
  out["message"] = {{"role", "assistant"}, {"content", text}};
  if (!thinking.empty()) out["message"]["thinking"] = thinking;
  if (!calls.empty()) out["message"]["tool_calls"] = std::move(calls);
}

Json call_json(const chat::ToolCall& call, std::size_t index, Lost& lost) {
  return {{"id", call.id},
          {"function",
           {{"index", index},
            {"name", call.name},
            {"arguments", arguments_of(call, item("tool_calls", index), lost)}}}};
}

void put_end(Json& out, const Header& header, const chat::Finished& finished) {
  const chat::Timings& times = finished.timings;
  out["done"] = true;
  out["done_reason"] = finished.reason == chat::FinishReason::Length ? "length" : "stop";
  out["total_duration"] =
      nanoseconds(header.load_ms + times.queued_ms + times.prompt_ms + times.predicted_ms);
  out["load_duration"] = nanoseconds(header.load_ms);
  out["prompt_eval_count"] = finished.usage.prompt_tokens;
  out["prompt_eval_duration"] = nanoseconds(times.prompt_ms);
  out["eval_count"] = finished.usage.completion_tokens;
  out["eval_duration"] = nanoseconds(times.predicted_ms);
}

void lose_end(const chat::Finished& finished, Lost& lost) {
  if (!finished.stop_string.empty())
    lost.add("stop_string", "which one ended it cannot be said here");
  if (is_declined(finished)) lost.add("notes", std::string(kDeclinedNote));
}

class LineWriter final : public StreamWriter {
 public:
  LineWriter(Header header, Endpoint endpoint) : header_(std::move(header)), endpoint_(endpoint) {}

 private:
  void start(const chat::Started&) override {}
  void text(const std::string& piece) override {
    end_call();
    say(piece, "", Json::array());
  }
  void reasoning(const std::string& piece) override {
    end_call();
    say("", piece, Json::array());
  }
  void call(const chat::ToolCallDelta& piece, bool is_new) override;
  void finish(const chat::Finished& finished) override;
  void fail(const Error& error) override { put("", write_error(error)); }

  void say(const std::string& text, const std::string& thinking, Json calls);
  void end_call();

  const Header header_;
  const Endpoint endpoint_;
  std::optional<chat::ToolCall> call_{};
  std::size_t calls_ = 0;
};

void LineWriter::say(const std::string& text, const std::string& thinking, Json calls) {
  Json line = envelope(header_);
  put_said(line, endpoint_, text, thinking, std::move(calls));
  line["done"] = false;
  put("", std::move(line));
}

void LineWriter::call(const chat::ToolCallDelta& piece, bool is_new) {
  if (is_new) {
    end_call();
    call_ = chat::ToolCall{piece.id, piece.name, ""};
  }
  call_->arguments += piece.arguments;
}

void LineWriter::end_call() {
  if (!call_) return;
  const chat::ToolCall call = *std::exchange(call_, std::nullopt);
  if (endpoint_ == Endpoint::Generate) return lost_.add("tool_calls", "generate has none");
  say("", "", Json::array({call_json(call, calls_++, lost_)}));
}

void LineWriter::finish(const chat::Finished& finished) {
  end_call();
  lose_end(finished, lost_);
  Json line = envelope(header_);
  put_said(line, endpoint_, "", "", Json::array());
  put_end(line, header_, finished);
  put("", std::move(line));
}

Json details_of(const Model& model) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", model.family},
          {"families", Json::array({model.family})},
          {"parameter_size", model.parameter_size},
          {"quantization_level", model.quantization}};
}

Json listed(const Model& model) {
  return {{"name", model.name},
          {"model", model.name},
          {"size", model.size_bytes},
          {"digest", model.digest},
          {"details", details_of(model)}};
}

}  // namespace

Carried<Json> write_answer(const Header& header, const Answer& answer, Endpoint endpoint) {
  Carried<Json> out{envelope(header)};
  const chat::Message& message = answer.message;
  Json calls = Json::array();
  for (const chat::ToolCall& call : message.tool_calls)
    calls.push_back(call_json(call, calls.size(), out.lost));
  if (endpoint == Endpoint::Generate && !calls.empty())
    out.lost.add("tool_calls", "generate has none");
  put_said(out.what, endpoint, message.content, message.reasoning, std::move(calls));
  put_end(out.what, header, answer.finished);
  lose_end(answer.finished, out.lost);
  lose_questions(answer.finished, out.lost);
  return out;
}

Json write_loaded(const Header& header, bool is_loaded, Endpoint endpoint) {
  Json out = envelope(header);
  put_said(out, endpoint, "", "", Json::array());
  out["done"] = true;
  out["done_reason"] = is_loaded ? "load" : "unload";
  return out;
}

std::unique_ptr<StreamWriter> make_stream_writer(Header header, Endpoint endpoint) {
  return std::make_unique<LineWriter>(std::move(header), endpoint);
}

Json write_error(const Error& error) { return {{"error", to_utf8(error.message)}}; }

int status_of(const Error& error) {
  switch (error.code) {
    case Code::InvalidInput:
    case Code::TooLarge: return 400;
    case Code::Denied: return 403;
    case Code::NotFound: return 404;
    case Code::Busy:
    case Code::Unavailable: return 503;
    case Code::Timeout:
    case Code::Cancelled:
    case Code::Corrupt:
    case Code::Internal: return 500;
  }
  return 500;
}

Json write_tags(const std::vector<Model>& models) {
  Json list = Json::array();
  for (const Model& model : models) {
    Json one = listed(model);
    one["modified_at"] = time_text(model.modified_ms);
    list.push_back(std::move(one));
  }
  return {{"models", std::move(list)}};
}

Json write_running(const std::vector<Model>& models) {
  Json list = Json::array();
  for (const Model& model : models) {
    Json one = listed(model);
    one["expires_at"] = time_text(model.expires_ms);
    one["size_vram"] = 0;
    one["context_length"] = model.context_tokens;
    list.push_back(std::move(one));
  }
  return {{"models", std::move(list)}};
}

Json write_show(const Model& model) {
  const Json facts = {{"general.architecture", model.family},
                      {model.family + ".context_length", model.context_tokens}};
  return {{"modelfile", ""},
          {"parameters", ""},
          {"template", model.chat_template},
          {"details", details_of(model)},
          {"model_info", facts},
          {"capabilities", model.capabilities},
          {"modified_at", time_text(model.modified_ms)}};
}

Json write_version(const std::string& version) { return {{"version", version}}; }

Json write_embed(const Header& header, const std::vector<std::vector<float>>& embeddings,
                 std::uint32_t prompt_tokens, double total_ms) {
  return {{"model", header.model},
          {"embeddings", embeddings},
          {"total_duration", nanoseconds(total_ms)},
          {"load_duration", nanoseconds(header.load_ms)},
          {"prompt_eval_count", prompt_tokens}};
}

Json write_embeddings(const std::vector<float>& embedding) { return {{"embedding", embedding}}; }

std::string time_text(std::int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace hearth::dialect::ollama
