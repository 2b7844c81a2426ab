#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model/model.h"

namespace hearth::model {

/// Another model, and that model in all that a class below it does not do itself. Any thread; the
/// other model outlives it.
class Forwarding : public Model {
 public:
  explicit Forwarding(Model& model) : model_(model) {}

  const std::string& name() const override { return model_.name(); }
  State state() const override { return model_.state(); }
  std::string state_text() const override { return model_.state_text(); }
  engine::ModelFacts facts() const override { return model_.facts(); }
  std::string numerics() const override { return model_.numerics(); }
  std::uint32_t context_tokens() const override { return model_.context_tokens(); }
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override {
    return model_.start(std::move(request), std::move(sink));
  }
  Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) override {
    return model_.embed(call, std::move(inputs));
  }
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override {
    return model_.tokenize(call, std::move(text), add_special, parse_special);
  }
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override {
    return model_.detokenize(call, std::move(tokens));
  }
  Result<std::size_t> count_tokens(const Call& call, std::string text) override {
    return model_.count_tokens(call, std::move(text));
  }
  bool is_on_demand() const override { return model_.is_on_demand(); }
  bool is_local() const override { return model_.is_local(); }
  Result<void> load() override { return model_.load(); }
  Result<void> unload() override { return model_.unload(); }
  void refresh_metrics(const Call& call) override { model_.refresh_metrics(call); }

 protected:
  Model& model_;
};

}  // namespace hearth::model
