#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "model/model.h"

namespace hearth::app {

/// A model whose answers are written down: it says them in order, whatever it is asked. A token is
/// a byte. Any thread.
class SaidModel final : public model::Model {
 public:
  explicit SaidModel(std::vector<chat::Message> says) : says_(std::move(says)) {}

  /// The next answer is this one.
  void go_to(std::size_t answer) { next_ = answer; }

  const std::string& name() const override { return name_; }
  model::State state() const override { return model::State::Ready; }
  std::string state_text() const override { return ""; }
  engine::ModelFacts facts() const override { return {}; }
  std::uint32_t context_tokens() const override { return kContextTokens; }
  /// Failed{Unavailable} behind the last answer.
  Result<std::unique_ptr<model::Generation>> start(chat::Request request,
                                                   std::shared_ptr<model::EventSink> sink) override;
  /// InvalidInput: there are none.
  Result<model::Embeddings> embed(const Call& call, std::vector<model::EmbedInput> inputs) override;
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override;
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override;

 private:
  static constexpr std::uint32_t kContextTokens = 1 << 20;
  const std::string name_ = "script";
  const std::vector<chat::Message> says_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace hearth::app
