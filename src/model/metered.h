#pragma once
#include <functional>
#include <string>

#include "chat/purpose.h"
#include "model/model.h"

namespace hearth::model {

/// What one answer took, for the ledger.
struct Metering {
  std::uint64_t account = 0;
  std::string session{};
  chat::Purpose purpose = chat::Purpose::Chat;
  std::string model{};
  chat::Usage usage{};
  chat::Timings timings{};
};

/// Another model, of whose answers it is told what they took when they have ended; those that fail
/// or are given up tell nothing. It is that model in everything else. Any thread.
class Metered final : public Model {
 public:
  /// `told` is called on the model's threads and must not block; `model` outlives this.
  using Told = std::function<void(Metering)>;
  Metered(Model& model, Told told) : model_(model), told_(std::move(told)) {}

  const std::string& name() const override { return model_.name(); }
  State state() const override { return model_.state(); }
  std::string state_text() const override { return model_.state_text(); }
  engine::ModelFacts facts() const override { return model_.facts(); }
  std::string numerics() const override { return model_.numerics(); }
  std::uint32_t context_tokens() const override { return model_.context_tokens(); }
  bool is_on_demand() const override { return model_.is_on_demand(); }
  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override;
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
  Result<void> load() override { return model_.load(); }
  Result<void> unload() override { return model_.unload(); }
  void refresh_metrics(const Call& call) override { model_.refresh_metrics(call); }

 private:
  Model& model_;
  const Told told_;
};

}  // namespace hearth::model
