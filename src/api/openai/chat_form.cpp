#include "api/openai/form.h"
#include "base/utf8.h"

namespace hearth::api {
namespace {

Json bytes_json(const std::string& bytes) {
  Json out = Json::array();
  for (const char c : bytes) out.push_back(static_cast<unsigned char>(c));
  return out;
}

Json token_json(const chat::TokenLogprob& token) {
  return {{"token", to_utf8(token.bytes)},
          {"logprob", token.logprob},
          {"bytes", bytes_json(token.bytes)}};
}

Json logprobs_json(const std::vector<chat::TokenChoice>& tokens) {
  Json content = Json::array();
  for (const auto& token : tokens) {
    Json entry = token_json(token.chosen);
    entry["top_logprobs"] = Json::array();
    for (const auto& likely : token.top) entry["top_logprobs"].push_back(token_json(likely));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json call_delta_json(const chat::ToolCallDelta& call) {
  Json out = {{"index", call.index}};
  if (!call.id.empty()) {
    out["id"] = call.id;
    out["type"] = "function";
  }
  out["function"] = Json::object();
  if (!call.name.empty()) out["function"]["name"] = call.name;
  out["function"]["arguments"] = call.arguments;
  return out;
}

Json message_json(const chat::Message& message) {
  Json out = {{"role", "assistant"}};
  const bool only_calls = message.content.empty() && !message.tool_calls.empty();
  out["content"] = only_calls ? Json(nullptr) : Json(message.content);
  out["refusal"] = nullptr;
  if (!message.reasoning.empty()) out["reasoning_content"] = message.reasoning;
  if (message.tool_calls.empty()) return out;
  out["tool_calls"] = Json::array();
  for (const auto& call : message.tool_calls) out["tool_calls"].push_back(call_json(call));
  return out;
}

Json delta_json(const chat::Delta& delta) {
  Json out = Json::object();
  if (!delta.content.empty()) out["content"] = delta.content;
  if (!delta.reasoning.empty()) out["reasoning_content"] = delta.reasoning;
  if (!delta.tool_calls.empty()) {
    out["tool_calls"] = Json::array();
    for (const auto& call : delta.tool_calls) out["tool_calls"].push_back(call_delta_json(call));
  }
  return out;
}

class ChatForm final : public Form {
 public:
  using Form::Form;

  std::optional<Json> opening(const Choice& choice, const chat::Delta* first) const override {
    // As OpenAI: an answer that begins with a tool call has no content, not an empty one.
    const bool calls = first && first->content.empty() && !first->tool_calls.empty();
    Json delta = {{"role", "assistant"}, {"content", calls ? Json(nullptr) : Json("")}};
    return chunk_envelope(choice_json(choice.index, std::move(delta), nullptr, nullptr));
  }
  Json chunk(const Choice& choice, const chat::Delta& delta) const override {
    Json logprobs = delta.logprobs.empty() ? Json(nullptr) : logprobs_json(delta.logprobs);
    return chunk_envelope(
        choice_json(choice.index, delta_json(delta), std::move(logprobs), nullptr));
  }
  Json closing(const Choice& choice) const override {
    const char* reason = chat::finish_reason_name(choice.finished->reason);
    Json out = chunk_envelope(choice_json(choice.index, Json::object(), nullptr, reason));
    say_promises(out, {&choice, 1});
    if (!choice.finished->questions.empty())
      out["approvals"] = questions_json(choice.finished->questions);
    say_notes(out, *choice.finished);
    return out;
  }
  Json whole(const std::vector<Choice>& choices) const override {
    Json list = Json::array();
    for (const Choice& choice : choices) {
      Json one = {{"index", choice.index}, {"message", message_json(choice.message)}};
      one["logprobs"] = choice.logprobs ? logprobs_json(*choice.logprobs) : Json(nullptr);
      one["finish_reason"] = chat::finish_reason_name(choice.finished->reason);
      list.push_back(std::move(one));
    }
    Json out = envelope("chat.completion", std::move(list));
    out["usage"] = usage_json(choices);
    say_promises(out, choices);
    if (!choices.empty() && !choices.front().finished->questions.empty())
      out["approvals"] = questions_json(choices.front().finished->questions);
    if (!choices.empty()) say_notes(out, *choices.front().finished);
    return out;
  }

 private:
  const char* chunk_object() const override { return "chat.completion.chunk"; }

  /// What the owner of a session should know, beside the answer.
  static void say_notes(Json& out, const chat::Finished& finished) {
    if (!finished.notes.empty()) out["notes"] = finished.notes;
    if (finished.route) out["x_hearth"]["route"] = route_json(*finished.route);
    if (finished.cost_micro > 0) out["x_hearth"]["cost_microdollars"] = finished.cost_micro;
  }

  static Json choice_json(std::uint32_t index, Json delta, Json logprobs, Json reason) {
    Json out;
    out["index"] = index;
    out["delta"] = std::move(delta);
    out["logprobs"] = std::move(logprobs);
    out["finish_reason"] = std::move(reason);
    return out;
  }
};

}  // namespace

Json call_json(const chat::ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

std::unique_ptr<Form> make_chat_form(Header header) {
  return std::make_unique<ChatForm>(std::move(header));
}

}  // namespace hearth::api
