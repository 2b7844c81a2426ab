#include "cli/ask/local.h"

#include <utility>

namespace hearth::cli {

Result<Reply> ask_model(const Call& call, model::Model& model, const Question& question,
                        const OnText& on_text) {
  chat::Request request{.prompt = chat::Conversation{.messages = question.messages}};
  request.sampling.temperature =
      static_cast<float>(question.temperature.value_or(default_temperature(model.name())));
  request.sampling.seed = question.seed;
  request.tokens_max = question.tokens_max;
  TRY(const model::Answer answer,
      model::generate(call, model, std::move(request), [&](const chat::Event& event) {
        const auto* const delta = std::get_if<chat::Delta>(&event);
        if (delta && !delta->content.empty()) on_text(delta->content);
      }));
  return Reply{.text = answer.message.content,
               .model = model.name(),
               .finish_reason = chat::finish_reason_name(answer.finished.reason),
               .usage = answer.finished.usage,
               .timings = answer.finished.timings};
}

}  // namespace hearth::cli
