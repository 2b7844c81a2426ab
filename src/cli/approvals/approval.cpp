#include "cli/approvals/approval.h"

#include "cli/ask/answer_fields.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

std::int64_t number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

const char* scope_name(Answer::Scope scope) {
  if (scope == Answer::Scope::Session) return "session";
  return scope == Answer::Scope::Always ? "always" : "once";
}

}  // namespace

std::vector<Approval> approvals_in(const json& list) {
  std::vector<Approval> all;
  if (!list.is_array()) return all;
  for (const json& one : list) {
    if (!one.is_object() || text_in(one, "id").empty()) continue;
    const json patterns = one.value("patterns", json());
    all.push_back({.id = text_in(one, "id"),
                   .session_id = text_in(one, "session_id"),
                   .turn = static_cast<std::uint32_t>(number_in(one, "turn")),
                   .tool = text_in(one, "tool"),
                   .target = text_in(one, "target"),
                   .arguments = text_in(one, "arguments"),
                   .preview = text_in(one, "preview"),
                   .expires_s = number_in(one, "expires_at"),
                   .this_pattern = text_in(patterns, "this"),
                   .alike_pattern = text_in(patterns, "alike"),
                   .json = one});
  }
  return all;
}

std::string decision_body(const Answer& answer) {
  json body = {{"decision", answer.allow ? "allow" : "deny"},
               {"scope", scope_name(answer.scope)},
               {"pattern", answer.alike ? "alike" : "this"}};
  if (!answer.holds.empty()) body["expires"] = answer.holds;
  body["stream"] = true;
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace hearth::cli
