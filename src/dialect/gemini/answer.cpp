#include <algorithm>
#include <array>

#include "chat/message_json.h"
#include "dialect/gemini.h"
#include "dialect/parts/answered.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::gemini {
namespace {

using chat::FinishReason;

/// Reads whole answers as streams of one event: they have the same shape.
class CandidateReader final : public StreamReader {
 public:
  explicit CandidateReader(std::string id_base) : id_base_(std::move(id_base)) {}

 private:
  void read(const Json& event) override;
  bool is_whole() const override { return has_reason_; }
  void take_parts(const Json& parts);
  void take_part(const Json& part);
  void take_call(const Json& call);
  void take_reason(const std::string& reason);
  void take_usage(const Json& usage);

  const std::string id_base_;
  bool has_reason_ = false;
};

void CandidateReader::read(const Json& event) {
  const Json& error = at(event.is_array() ? first_of(event) : event, "error");
  if (!error.is_null()) {
    const int status = static_cast<int>(std::min(count_at(error, "code"), 999U));
    return fail(read_error(status, chat::json_text({{"error", error}})));
  }
  if (id_.empty()) id_ = text_at(event, "responseId");
  if (model_.empty()) model_ = text_at(event, "modelVersion");
  take_usage(at(event, "usageMetadata"));
  start();
  const std::string blocked = text_at(at(event, "promptFeedback"), "blockReason");
  if (!blocked.empty()) take_reason("SAFETY");
  const Json& candidates = at(event, "candidates");
  if (candidates.size() > 1) lost_.add("candidates", "only the first is kept");
  const Json& candidate = first_of(candidates);
  if (!at(candidate, "citationMetadata").is_null() || !at(candidate, "groundingMetadata").is_null())
    lost_.add("candidates[0].citationMetadata", "is not kept");
  take_parts(at(at(candidate, "content"), "parts"));
  take_reason(text_at(candidate, "finishReason"));
}

void CandidateReader::take_parts(const Json& parts) {
  if (!parts.is_array()) return;
  for (const Json& part : parts) {
    if (is_over()) return;
    take_part(part);
  }
}

void CandidateReader::take_part(const Json& part) {
  if (!text_at(part, "thoughtSignature").empty()) lost_.add("thoughtSignature", "is not kept");
  if (part.contains("functionCall")) return take_call(part["functionCall"]);
  if (flag_at(part, "thought")) return say_reasoning(text_at(part, "text"));
  if (at(part, "text").is_string()) return say_text(text_at(part, "text"));
  for (const char* name : {"inlineData", "executableCode", "codeExecutionResult", "fileData"})
    if (part.contains(name)) lost_.add(name, "is left out");
}

void CandidateReader::take_call(const Json& call) {
  const std::uint32_t number = calls();
  std::string id = text_at(call, "id");
  if (id.empty()) id = id_base_ + "_" + std::to_string(number);
  if (!begin_call(std::move(id), text_at(call, "name"))) return;
  const Json& arguments = at(call, "args");
  say_arguments(number, arguments.is_object() ? chat::json_text(arguments) : "{}");
}

void CandidateReader::take_reason(const std::string& reason) {
  constexpr std::array<std::string_view, 7> kDeclined = {
      "SAFETY", "RECITATION",   "BLOCKLIST", "PROHIBITED_CONTENT",
      "SPII",   "IMAGE_SAFETY", "LANGUAGE"};
  constexpr std::array<std::string_view, 3> kBroken = {
      "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"};
  if (reason.empty() || is_over()) return;
  if (std::ranges::find(kBroken, reason) != kBroken.end())
    return fail({Code::Unavailable, "the provider's model wrote a call that is none", {}});
  has_reason_ = true;
  if (reason == "MAX_TOKENS")
    finished_.reason = FinishReason::Length;
  else if (std::ranges::find(kDeclined, reason) == kDeclined.end() && reason != "STOP")
    lost_.add("finishReason", reason + " reads as a stop");
  else if (reason != "STOP" && !is_declined(finished_))
    finished_.notes.emplace_back(kDeclinedNote);
}

/// Counts come again with each event, and grow. There, what was cached is part of the prompt, and
/// thoughts are no part of what candidates say.
void CandidateReader::take_usage(const Json& usage) {
  if (!usage.is_object()) return;
  usage_.prompt_tokens =
      count_at(usage, "promptTokenCount") + count_at(usage, "toolUsePromptTokenCount");
  usage_.cached_tokens = std::min(count_at(usage, "cachedContentTokenCount"), usage_.prompt_tokens);
  usage_.completion_tokens =
      count_at(usage, "candidatesTokenCount") + count_at(usage, "thoughtsTokenCount");
}

bool names_the_key(const Json& error) {
  const Json& details = at(error, "details");
  if (!details.is_array()) return false;
  return std::ranges::any_of(
      details, [](const Json& detail) { return text_at(detail, "reason") == "API_KEY_INVALID"; });
}

}  // namespace

std::unique_ptr<StreamReader> make_stream_reader(std::string id_base) {
  return std::make_unique<CandidateReader>(std::move(id_base));
}

Result<Carried<Answer>> read_answer(const Json& body, const std::string& id_base) {
  CandidateReader reader(id_base);
  std::vector<chat::Event> events = reader.take(chat::json_text(body));
  for (chat::Event& event : reader.end()) events.push_back(std::move(event));
  Carried<Answer> out{.lost = reader.lost()};
  out.what.id = reader.id();
  out.what.model = reader.model();
  for (chat::Event& event : events) {
    if (auto* const failed = std::get_if<chat::Failed>(&event)) return std::move(failed->error);
    if (auto* const finished = std::get_if<chat::Finished>(&event))
      out.what.finished = std::move(*finished);
    if (const auto* const delta = std::get_if<chat::Delta>(&event))
      chat::absorb(out.what.message, *delta);
  }
  return out;
}

Error read_error(int status, std::string_view body) {
  const auto json = parse_json(body, "the provider's error");
  if (!json.ok()) return provider_error(status, "");
  const Json& error = at(json.value().is_array() ? first_of(json.value()) : json.value(), "error");
  if (names_the_key(error)) return provider_error(401, "");
  const std::string said = text_at(error, "message");
  Error out = provider_error(status, said);
  const bool is_too_long = said.find("exceeds the maximum number of tokens") != std::string::npos;
  if (is_too_long) out.code = Code::TooLarge;
  return out;
}

}  // namespace hearth::dialect::gemini
