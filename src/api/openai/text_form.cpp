#include "api/openai/form.h"
#include "base/utf8.h"

namespace hearth::api {
namespace {

/// The legacy shape: four lists side by side, offsets in characters.
Json logprobs_json(const std::vector<chat::TokenChoice>& tokens, std::uint32_t offset) {
  Json out = {{"tokens", Json::array()},
              {"token_logprobs", Json::array()},
              {"top_logprobs", Json::array()},
              {"text_offset", Json::array()}};
  for (const auto& token : tokens) {
    Json top = Json::object();
    for (const auto& likely : token.top) top[to_utf8(likely.bytes)] = likely.logprob;
    out["tokens"].push_back(to_utf8(token.chosen.bytes));
    out["token_logprobs"].push_back(token.chosen.logprob);
    out["top_logprobs"].push_back(std::move(top));
    out["text_offset"].push_back(offset);
    offset += count_characters(token.chosen.bytes);
  }
  return out;
}

/// Tool calls do not exist here; what is not "length" ended by itself.
const char* reason_of(const chat::Finished& finished) {
  return finished.reason == chat::FinishReason::Length ? "length" : "stop";
}

class TextForm final : public Form {
 public:
  using Form::Form;

  std::optional<Json> opening(const Choice& choice, const chat::Delta*) const override {
    if (choice.echo.empty()) return std::nullopt;
    return chunk_envelope(choice_json(choice.index, choice.echo, nullptr, nullptr));
  }
  Json chunk(const Choice& choice, const chat::Delta& delta) const override {
    Json logprobs =
        delta.logprobs.empty() ? Json(nullptr) : logprobs_json(delta.logprobs, choice.characters);
    return chunk_envelope(choice_json(choice.index, delta.content, std::move(logprobs), nullptr));
  }
  Json closing(const Choice& choice) const override {
    Json out = chunk_envelope(choice_json(choice.index, "", nullptr, reason_of(*choice.finished)));
    say_promises(out, {&choice, 1});
    return out;
  }
  Json whole(const std::vector<Choice>& choices) const override {
    Json list = Json::array();
    for (const Choice& choice : choices) {
      Json logprobs = choice.logprobs
                          ? logprobs_json(*choice.logprobs, count_characters(choice.echo))
                          : Json(nullptr);
      list.push_back(choice_json(choice.index, choice.echo + choice.message.content,
                                 std::move(logprobs), reason_of(*choice.finished)));
    }
    Json out = envelope("text_completion", std::move(list));
    out["usage"] = usage_json(choices);
    say_promises(out, choices);
    return out;
  }

 private:
  const char* chunk_object() const override { return "text_completion"; }

  static Json choice_json(std::uint32_t index, const std::string& text, Json logprobs,
                          Json reason) {
    Json out;
    out["text"] = text;
    out["index"] = index;
    out["logprobs"] = std::move(logprobs);
    out["finish_reason"] = std::move(reason);
    return out;
  }
};

}  // namespace

std::unique_ptr<Form> make_text_form(Header header) {
  return std::make_unique<TextForm>(std::move(header));
}

}  // namespace hearth::api
