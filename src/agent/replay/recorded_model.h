#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/replay/recording.h"
#include "model/model.h"

namespace hearth::agent {

/// A call of the model that was made again.
struct Remade {
  Round then, now;
  chat::Message said_then, said_now;
  std::vector<chat::Token> tokens_then{}, tokens_now{};  // prompt and answer; empty: not known
};

/// A model that is asked what it was asked in a recorded turn, with the seeds, the day and the tail
/// of then, and whose calls get the ids of then. Behind the first answer that is another one, and
/// behind the last, it refuses with Cancelled. One thread asks it; recording and model must outlive
/// it.
class RecordedModel final : public model::Model {
 public:
  RecordedModel(const Recording& recording, model::Model& model);
  ~RecordedModel() override;

  /// A turn begins or goes on with the next call.
  void go_on() { may_begin_ = true; }
  /// The calls so far. Not while one runs.
  const std::vector<Remade>& remade() const { return remade_; }
  /// The last one came to something else, or all have been made.
  bool is_over() const;

  const std::string& name() const override { return model_.name(); }
  model::State state() const override { return model_.state(); }
  std::string state_text() const override { return model_.state_text(); }
  engine::ModelFacts facts() const override { return model_.facts(); }
  std::string numerics() const override { return model_.numerics(); }
  std::uint32_t context_tokens() const override { return model_.context_tokens(); }
  Result<std::unique_ptr<model::Generation>> start(chat::Request request,
                                                   std::shared_ptr<model::EventSink> sink) override;
  Result<model::Embeddings> embed(const Call& call,
                                  std::vector<model::EmbedInput> inputs) override {
    return model_.embed(call, std::move(inputs));
  }
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override {
    return model_.tokenize(call, std::move(text), add_special, parse_special);
  }
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override {
    return model_.detokenize(call, std::move(tokens));
  }

 private:
  class Listener;
  void note(const chat::Request& asked, const model::Answer& answer);
  const chat::Message& said(std::size_t round) const;

  const Recording& recording_;
  model::Model& model_;
  bool may_begin_ = false;
  std::vector<Remade> remade_{};
};

/// Whether both came to the same, bit by bit.
bool is_same_prompt(const Remade& remade);
bool is_same_answer(const Remade& remade);

}  // namespace hearth::agent
