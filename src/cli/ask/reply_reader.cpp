#include "cli/ask/reply_reader.h"

#include "chat/message.h"

namespace hearth::cli {
namespace {

using nlohmann::json;

/// The member of this name, or null for anything that is not there.
const json& member(const json& object, const char* name) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : ""; }
double number_of(const json& value) { return value.is_number() ? value.get<double>() : 0; }
std::uint32_t count_of(const json& value) {
  return value.is_number_unsigned() ? static_cast<std::uint32_t>(value.get<std::uint64_t>()) : 0;
}

Code code_of(int status, const std::string& code) {
  if (code == "context_length_exceeded") return Code::TooLarge;
  switch (status) {
    case 401:
    case 403: return Code::Denied;
    case 404: return Code::NotFound;
    case 413: return Code::TooLarge;
    case 429: return Code::Busy;
    case 503: return Code::Unavailable;
    case 504: return Code::Timeout;
    default: return status >= 400 && status < 500 ? Code::InvalidInput : Code::Unavailable;
  }
}

}  // namespace

Error error_of_envelope(int status, std::string_view body) {
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const json& error = member(parsed, "error");
  std::string message = text_of(member(error, "message"));
  if (message.empty()) message = "the daemon answered with status " + std::to_string(status);
  if (status == 401) message += "; set server.tokens or HEARTH_TOKEN to the daemon's token";
  const std::string code = text_of(member(error, "code"));
  const std::string field =
      code == "context_length_exceeded" ? "messages" : text_of(member(error, "param"));
  return {code_of(status, code), message, field};
}

std::string request_body(const std::string& model, const Question& question) {
  json messages = json::array();
  for (const chat::Message& message : question.messages)
    messages.push_back({{"role", chat::role_name(message.role)}, {"content", message.content}});
  json body = {{"model", model},
               {"messages", std::move(messages)},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}}};
  // Providers know best what their models like, and some refuse any other.
  const bool is_remote = model.find('/') != std::string::npos;
  if (question.temperature || !is_remote)
    body["temperature"] = question.temperature.value_or(default_temperature(model));
  if (question.tokens_max) body["max_tokens"] = *question.tokens_max;
  if (question.seed) body["seed"] = *question.seed;
  if (!question.session.empty()) body["session_id"] = question.session;
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

void ReplyReader::take(std::string_view data) {
  if (data == "[DONE]") {
    done_ = true;
    return;
  }
  const json chunk = json::parse(data, nullptr, /*allow_exceptions=*/false);
  if (member(chunk, "error").is_object()) problem_ = error_of_envelope(0, data);
  if (reply_.model.empty()) reply_.model = text_of(member(chunk, "model"));
  if (reply_.session_id.empty()) reply_.session_id = text_of(member(chunk, "session_id"));
  if (const json& approvals = member(chunk, "approvals"); approvals.is_array())
    reply_.approvals = approvals_in(nlohmann::ordered_json(approvals));
  if (const json& notes = member(chunk, "notes"); notes.is_array()) {
    reply_.notes.clear();
    for (const json& note : notes) reply_.notes.push_back(text_of(note));
  }
  const json& choices = member(chunk, "choices");
  if (choices.is_array() && !choices.empty()) take_choice(choices[0]);
  take_numbers(chunk);
}

void ReplyReader::take_choice(const json& choice) {
  const std::string text = text_of(member(member(choice, "delta"), "content"));
  if (!text.empty()) on_text_(text);
  reply_.text += text;
  const std::string reason = text_of(member(choice, "finish_reason"));
  if (!reason.empty()) reply_.finish_reason = reason;
}

void ReplyReader::take_numbers(const json& chunk) {
  if (const json& usage = member(chunk, "usage"); usage.is_object()) {
    reply_.usage.prompt_tokens = count_of(member(usage, "prompt_tokens"));
    reply_.usage.completion_tokens = count_of(member(usage, "completion_tokens"));
    reply_.usage.cached_tokens =
        count_of(member(member(usage, "prompt_tokens_details"), "cached_tokens"));
  }
  if (const json& timings = member(chunk, "timings"); timings.is_object()) {
    reply_.timings.prompt_ms = number_of(member(timings, "prompt_ms"));
    reply_.timings.predicted_ms = number_of(member(timings, "predicted_ms"));
    reply_.timings.queued_ms = number_of(member(timings, "queued_ms"));
  }
}

Result<Reply> ReplyReader::finish() {
  TRY_VOID(std::move(problem_));
  if (!done_) return Error{Code::Unavailable, "the daemon broke off its answer"};
  return std::move(reply_);
}

}  // namespace hearth::cli
