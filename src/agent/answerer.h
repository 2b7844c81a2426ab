#pragma once
#include <functional>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "model/model.h"

namespace hearth::agent {

/// Who answers in a turn: the model that was named; or, where the name stands for a choice, the one
/// that was chosen, and another when it cannot. One thread.
class Answerer {
 public:
  using Asked = std::function<chat::Request()>;  // all that was said, dear to make

  /// `named` outlives it.
  void choose(model::Model& named, const Asked& asked);
  /// Another one, after one that has said nothing but `error`. False: there is none, or none could
  /// do better.
  bool choose_another(const Error& error, const Asked& asked);
  /// It has answered.
  void succeeded() {
    if (named_) named_->learn(*choice_.model, nullptr);
  }

  /// Null before choose().
  model::Model* model() const { return choice_.model; }
  /// What a question says of the choice.
  void mark(chat::Request& request) const;
  /// Absent: a model was named.
  const std::optional<chat::Route>& route() const { return choice_.route; }

 private:
  void take(model::Model::Choice choice);

  model::Model* named_ = nullptr;
  model::Model::Choice choice_{};
  std::vector<model::Model*> failed_{};
  std::vector<std::string> passed_over_{};
};

}  // namespace hearth::agent
