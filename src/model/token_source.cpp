#include "model/token_source.h"

namespace hearth::model {

std::string token_source(const Model& model) {
  const engine::ModelFacts facts = model.facts();
  std::string text = model.name();
  for (const std::uint64_t number :
       {facts.size_bytes, facts.parameters, std::uint64_t{facts.vocabulary}})
    text += "/" + std::to_string(number);
  return text + "/" + facts.tokenizer + "/" + facts.chat_template;
}

}  // namespace hearth::model
