#include "api/openai/form.h"

#include <algorithm>

namespace hearth::api {
namespace {

double ratio(double above, double below) { return below > 0 ? above / below : 0; }

}  // namespace

Json usage_json(const std::vector<Choice>& choices) {
  std::uint64_t prompt = 0, cached = 0, completion = 0;
  for (const Choice& choice : choices) {
    if (!choice.finished) continue;
    const chat::Usage& usage = choice.finished->usage;
    completion += usage.completion_tokens;
    if (!choice.counts_prompt) continue;
    prompt += usage.prompt_tokens;
    cached += usage.cached_tokens;
  }
  return {{"prompt_tokens", prompt},
          {"completion_tokens", completion},
          {"total_tokens", prompt + completion},
          {"prompt_tokens_details", {{"cached_tokens", cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

Json timings_json(const chat::Finished& finished) {
  const chat::Usage& usage = finished.usage;
  const chat::Timings& times = finished.timings;
  const std::uint32_t prompt =
      usage.prompt_tokens - std::min(usage.prompt_tokens, usage.cached_tokens);
  const std::uint32_t predicted = usage.completion_tokens;
  return {{"cache_n", usage.cached_tokens},
          {"prompt_n", prompt},
          {"prompt_ms", times.prompt_ms},
          {"prompt_per_token_ms", ratio(times.prompt_ms, prompt)},
          {"prompt_per_second", ratio(1000.0 * prompt, times.prompt_ms)},
          {"predicted_n", predicted},
          {"predicted_ms", times.predicted_ms},
          {"predicted_per_token_ms", ratio(times.predicted_ms, predicted)},
          {"predicted_per_second", ratio(1000.0 * predicted, times.predicted_ms)},
          {"draft_n", times.drafted_tokens},
          {"draft_n_accepted", times.accepted_tokens},
          {"forced_n", times.forced_tokens}};
}

Json route_json(const chat::Route& route) {
  Json out = {{"asked", route.asked},
              {"model", route.model},
              {"level", route.level},
              {"score", route.score},
              {"reasons", route.reasons}};
  if (!route.crisis.empty()) out["crisis"] = route.crisis;
  if (!route.passed_over.empty()) out["passed_over"] = route.passed_over;
  return out;
}

Json question_json(const chat::Question& question) {
  Json out = {{"id", question.id},
              {"object", "approval"},
              {"session_id", question.session_id},
              {"turn", question.turn},
              {"tool", question.tool},
              {"target", question.target},
              {"arguments", question.arguments},
              {"preview", question.preview},
              {"expires_at", question.expires_ms / 1'000},
              {"scopes", Json::array({"once"})},
              {"patterns", Json::object()}};
  if (question.this_pattern.empty()) return out;
  out["scopes"] = Json::array({"once", "session", "always"});
  out["patterns"]["this"] = question.this_pattern;
  if (!question.alike_pattern.empty()) out["patterns"]["alike"] = question.alike_pattern;
  return out;
}

Json questions_json(const std::vector<chat::Question>& questions) {
  Json out = Json::array();
  for (const chat::Question& question : questions) out.push_back(question_json(question));
  return out;
}

Json Form::envelope(const char* object, Json choices) const {
  Json out;
  out["id"] = header_.id;
  out["object"] = object;
  out["created"] = header_.created;
  out["model"] = header_.model;
  out["system_fingerprint"] =
      header_.fingerprint.empty() ? Json(nullptr) : Json(header_.fingerprint);
  if (!header_.session_id.empty()) out["session_id"] = header_.session_id;
  out["choices"] = std::move(choices);
  return out;
}

Json Form::chunk_envelope(Json choice) const {
  Json out = envelope(chunk_object(), Json::array({std::move(choice)}));
  if (header_.include_usage) out["usage"] = nullptr;
  return out;
}

Json Form::usage_chunk(const std::vector<Choice>& choices) const {
  Json out = envelope(chunk_object(), Json::array());
  out["usage"] = usage_json(choices);
  say_promises(out, choices);
  return out;
}

void Form::say_promises(Json& out, std::span<const Choice> choices) {
  if (choices.empty()) return;
  const chat::Started& started = choices.front().started;
  if (started.deterministic) out["deterministic"] = true;
  if (started.route) out["x_hearth"]["route"] = route_json(*started.route);
  if (started.loosened.empty()) return;
  out["loosened"] = started.loosened;
  for (const Choice& choice : choices)
    for (const std::string& line : choice.violations)
      out["violations"].push_back("choices[" + std::to_string(choice.index) + "]." + line);
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string sse_event(const Json& value) { return "data: " + dump(value) + "\n\n"; }

}  // namespace hearth::api
